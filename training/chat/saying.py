"""The same words as people type them and as a speech model hears them."""

from random import Random


def as_said(rng: Random, text: str, *, spoken: bool, chinese: bool) -> str:
    """`text` as a transcript (lower case, no punctuation) when `spoken`, else typed with more or less care."""
    if spoken:
        return "".join(char for char in text.lower() if char not in ",.?!，。？！") if text.strip(",.?!") else text
    if rng.random() < 0.5:
        text = text.rstrip(".?!。？！") or text
        return text[0].lower() + text[1:] if rng.random() < 0.6 else text.lower()
    if rng.random() < 0.1 and text[-1:].isalpha():
        return text + (rng.choice((".", "!", " .")) if not chinese else "。")
    return text


def with_typo(rng: Random, text: str) -> str:
    """`text` with two neighbouring letters swapped, unless it is very short."""
    if len(text) <= 5:
        return text
    at = rng.randrange(1, len(text) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
