"""Discord: listens at the gateway, answers by requests."""
