"""Speech to words: what a recogniser needs beside its weights."""
