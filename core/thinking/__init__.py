"""Thinking: bytes and values in, values out."""
