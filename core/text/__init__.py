"""Text as people and models write it: made clean, told by language, cut."""
