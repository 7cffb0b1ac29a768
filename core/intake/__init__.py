"""May this come in? Access, codes for strangers, quotas, and what a command is."""
