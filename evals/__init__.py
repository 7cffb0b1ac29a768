"""Measurements on what people say: programs that print a table."""
