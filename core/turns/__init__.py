"""What becomes of an event: the only room that sees both what thinks and what keeps."""
