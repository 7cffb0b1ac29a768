"""The doors: everything that knows a platform, a terminal or a browser."""
