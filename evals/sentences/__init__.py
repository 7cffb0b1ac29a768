"""Sentences of many people's kinds, written by hand, none by a generator of the training."""
