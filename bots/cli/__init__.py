"""What `parley` does for an owner in a terminal."""
