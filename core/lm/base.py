"""What a language model is to the rest of Parley: utterances in, a stream of text out.

Implemented by `LocalModel` and `RemoteModel`; called by the engine. Knows no transformers and no HTTP.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One entry of a chat: who says it and the text."""

    role: Role
    content: str


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


@dataclass(frozen=True, slots=True)
class Request:
    """One answer wanted: the chat so far, a bound in tokens, strings that end the answer (they are not part of it).

    `channel` is the conversation's key: a model may keep what it computed for that channel's last request.
    """

    utterances: tuple[Utterance, ...]
    max_new_tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    channel: str = ""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """What a model on this machine holds; `bits` are those of a weight. Slots are in use while an answer is made,
    channels are kept between their turns; the cache's bytes count both.
    """

    name: str
    weight_bytes: int
    bits: int
    context_tokens: int
    slots_in_use: int
    waiting: int
    kept_channels: int
    cache_bytes: int
    cache_limit_bytes: int


class LanguageModel(Protocol):
    """A model that answers a chat."""

    @property
    def name(self) -> str:
        """What the owner calls it."""
        ...

    @property
    def context_tokens(self) -> int:
        """The most tokens of prompt and answer together."""
        ...

    @property
    def weight_bytes(self) -> int:
        """What its weights take in this machine's memory."""
        ...

    @property
    def instructable(self) -> bool:
        """Whether it can be given tasks, such as a summary or a translation; the one that ships only talks."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[str, None]:
        """The answer in pieces of whole characters; closing the generator ends the work within a token.

        Raises UserError("message_too_long", limit_words) when the chat does not fit into the context.
        """
        ...

    def count_tokens(self, utterances: Sequence[Utterance]) -> int:
        """Tokens that these utterances take in a prompt; from any thread, for a long chat takes a while."""
        ...

    def forget(self, channel: str) -> None:
        """Drop, soon, what is kept of a channel's last request; with "" of all channels'."""
        ...

    async def close(self) -> None:
        """Ends running work and frees the model; idempotent."""
        ...


def words_within(text: str, text_tokens: int, room_tokens: int) -> int:
    """How many of the words of `text`, which takes `text_tokens`, fit into `room_tokens`: at least 1, a little too few.

    A word is what stands between spaces; text without spaces, as in Chinese, counts by character.
    """
    words = len(text.split())
    if words * 12 < len(text):
        words = len(text)
    return max(1, words * max(0, room_tokens) * 19 // (20 * max(1, text_tokens)))


def display_name(name: str) -> str:
    """What people in a chat are shown of a model's name: neither folders nor the owner's account at a hub."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]
