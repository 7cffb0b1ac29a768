"""Evaluations of whole models, on data that no generator of the project made."""
