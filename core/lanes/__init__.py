"""A lane a channel: what was accepted and what is to be sent, through any crash."""
