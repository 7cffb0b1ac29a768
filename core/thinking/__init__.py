"""What stands around the model: dangers, what Parley knows of itself, manners, and what is true of what it says."""
