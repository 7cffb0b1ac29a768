"""Measures what Parley's models do for people, on tasks that were written by hand."""
