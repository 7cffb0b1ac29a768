"""How a language model draws its tokens: set by profiles, obeyed by models, kept with an answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; None leaves it to the model's own settings.

    `temperature` from 0 (always the likeliest token) to 2, `top_p` in (0, 1], `seed` to draw the same tokens again:
    every server understands these. Not every one knows `top_k` (0: all tokens), `min_p` in [0, 1] (of the likeliest
    token's probability) and `repetition_penalty` (1: none; above: what the chat holds already gets less likely).
    """

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
