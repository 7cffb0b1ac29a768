"""Models that an owner can choose: which there are, how they come here, which are open."""
