"""What is kept of a person: told, given away, erased, and for how long."""
