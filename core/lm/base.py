"""What a language model is to the rest of Parley: utterances in, a stream of pieces out.

Implemented by `LocalModel` and `RemoteModel`; called by the engine. Knows no transformers and no HTTP.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, Protocol

from core.values.sampling import Sampling

Role = Literal["system", "user", "assistant"]
Capability = Literal["instructions", "seeds", "images", "tools", "scores", "attributions", "adapters"]
"""What not every model can do: be given tasks, such as a summary or a translation; draw the same tokens again from the
same seed; see images; call tools; tell how likely an answer is; tell what an answer came from; take an adapter.
"""


@dataclass(frozen=True, slots=True)
class Text:
    """Words: a part of an utterance, or a piece of an answer, of whole characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in an utterance: its file, and what kind of file it is, such as image/png."""

    data: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants to be called; `arguments` is what it wrote, which is to be JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the prompt, how many of these came from a kept cache, and tokens of the answer."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


Piece = Text | ToolCall | Usage


@dataclass(frozen=True, slots=True)
class Utterance:
    """One entry of a chat: who says it, and words and images in their order."""

    role: Role
    parts: tuple[Text | Image, ...]

    @classmethod
    def of(cls, role: Role, text: str) -> "Utterance":
        """One of words alone."""
        return cls(role, (Text(text),))

    @property
    def text(self) -> str:
        """Its words, without its images."""
        match self.parts:
            case (Text(text),):  # nearly all; asked for each utterance of each prompt
                return text
            case parts:
                return "".join(part.text for part in parts if isinstance(part, Text))

    @property
    def images(self) -> tuple[Image, ...]:
        """Its images."""
        return tuple(part for part in self.parts if isinstance(part, Image))


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call: `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Request:
    """One answer wanted: the chat so far, a bound in tokens, strings that end the answer (they are not part of it).

    `channel` is the conversation's key: a model may keep what it computed for that channel's last request. `tools` are
    what it may call; a model without that capability answers without them.
    """

    utterances: tuple[Utterance, ...]
    max_new_tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    channel: str = ""
    tools: tuple[Tool, ...] = ()


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
    def revision(self) -> str:
        """What tells it from others of its name: for one on this machine, from other weights or another form of them;
        for one of a server, what the server called it last.
        """
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
    def capabilities(self) -> frozenset[Capability]:
        """What it can do today; the one that ships only talks."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """The answer: texts, then calls of tools, and at the end one Usage. Closing the generator ends the work within
        a token.

        Raises UserError("message_too_long", limit_words) when the chat does not fit into the context,
        UserError("image_not_understood") for images that it cannot see, UserError("no_answer") when it calls tools
        instead of answering and none were offered.
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


async def whole_text(model: LanguageModel, request: Request) -> str:
    """All the text of an answer; raises what the model raises."""
    async with aclosing(model.stream(request)) as pieces:
        return "".join([piece.text async for piece in pieces if isinstance(piece, Text)])


def estimate_word_limit(text: str, text_tokens: int, budget_tokens: int) -> int:
    """How many of the words of `text`, which takes `text_tokens`, fit into a budget: at least 1, a little too few.

    A word is what stands between spaces; text without spaces, as in Chinese, counts by character.
    """
    words = len(text.split())
    if words * 12 < len(text):
        words = len(text)
    return max(1, words * max(0, budget_tokens) * 19 // (20 * max(1, text_tokens)))


def display_name(name: str) -> str:
    """What people in a chat are shown of a model's name: neither folders nor the owner's account at a hub."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]
