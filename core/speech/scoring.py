"""How far what was heard is from what was said."""

from collections.abc import Sequence


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance between two lists of words."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        previous, row[0] = row[0], number
        for column, other in enumerate(heard, 1):
            keep = previous + (word != other)
            previous, row[column] = row[column], min(keep, row[column] + 1, row[column - 1] + 1)
    return row[-1]
