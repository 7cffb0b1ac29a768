"""Thinking: what a turn makes of what was said, and what stands around the model."""
