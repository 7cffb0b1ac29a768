"""Voices: whatever turns a sentence into sound, here or on a server."""
