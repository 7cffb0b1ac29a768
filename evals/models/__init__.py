"""Parley's own uses as small tasks, done by a language model through the engine and checked by rules."""
