"""Models by name: which there are, how one gets here, and where it is kept."""
