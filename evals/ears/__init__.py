"""What ears understand of everyday sentences: `make eval-ears MODEL=...`."""
