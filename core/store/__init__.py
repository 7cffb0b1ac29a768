"""Redis: opened, and the table of what is kept there."""
