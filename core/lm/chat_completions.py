"""OpenAI's chat completions, which many servers speak: a request in their words, and what their chunks say.

https://platform.openai.com/docs/api-reference/chat-streaming. Of a server nothing is certain: the client's types are
what OpenAI sends, and nobody checks them. Pure.
"""

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.lm.base import Image, Request, Text, Tool, ToolCall, Usage, Utterance
from core.lm.special_tokens import defused, pattern

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk

_MARKERS = pattern()
_MOST_STOPS = 4
"""Servers take no more; our own filter knows them all."""
_NAME_CHARS = 80


def asked(request: Request) -> dict[str, Any]:
    """What a request is there, but for the model and how the answer comes; what is not chosen is left out."""
    sampling = request.sampling
    chosen: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(request.stop[:_MOST_STOPS]) or None,
        "tools": [_function(tool) for tool in request.tools] or None,
    }
    return {
        "messages": [{"role": each.role, "content": _content(each)} for each in request.utterances],
        "max_tokens": request.max_new_tokens,
        **{key: value for key, value in chosen.items() if value is not None},
    }


def _content(utterance: Utterance) -> str | list[dict[str, Any]]:
    """Words as they are, for servers that know nothing else; with images a list."""
    if not utterance.images:
        return defused(utterance.text, _MARKERS)
    return [_part(part) for part in utterance.parts]


def _part(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": defused(part.text, _MARKERS)}
    return {
        "type": "image_url",
        "image_url": {"url": f"data:{part.mime};base64,{base64.b64encode(part.data).decode()}"},
    }


def _function(tool: Tool) -> dict[str, Any]:
    about = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": about}


@dataclass(slots=True)
class _Call:
    """A call of a tool that is still coming."""

    id: str
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Chunks:
    """What one answer's chunks have said so far, beside its text: `usage` where the server tells it, `revision` what
    the server calls what answers, such as the version that a model's name stands for.
    """

    usage: Usage | None = None
    revision: str = ""
    _calls: dict[int, _Call] = field(default_factory=dict[int, _Call])
    _places: dict[int, int] = field(default_factory=dict[int, int])

    def feed(self, chunk: "ChatCompletionChunk") -> str:
        """The text of a chunk; the rest of it is kept."""
        self.usage = _usage(chunk.usage) or self.usage
        self.revision = _revision(chunk) or self.revision
        delta: Any = chunk.choices[0].delta if chunk.choices else None
        for part in getattr(delta, "tool_calls", None) or ():
            self._take(part)
        return _words(getattr(delta, "content", None))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tools that it called, whole once the answer has ended."""
        return tuple(ToolCall(each.id, each.name, each.arguments) for each in self._calls.values())

    def _take(self, part: Any) -> None:
        """A piece of a call: the first has its id and name. Some servers give each call the same index."""
        index, own_id = _number(part.index), _words(part.id)
        at = self._places.get(index)
        if at is None or (own_id and own_id != self._calls[at].id):
            at = self._places[index] = len(self._calls)
            self._calls[at] = _Call(own_id)
        self._calls[at].name += _words(getattr(part.function, "name", None))
        self._calls[at].arguments += _words(getattr(part.function, "arguments", None))


def _usage(told: Any) -> Usage | None:
    if told is None:
        return None
    kept = getattr(getattr(told, "prompt_tokens_details", None), "cached_tokens", None)
    return Usage(_number(told.prompt_tokens), _number(told.completion_tokens), _number(kept))


def _revision(chunk: Any) -> str:
    """A model's full name, and what OpenAI calls its fingerprint: that of the machines and programs around it."""
    names = (_words(getattr(chunk, name, None)) for name in ("model", "system_fingerprint"))
    return " ".join("".join(filter(str.isprintable, name))[:_NAME_CHARS] for name in names if name)


def _words(told: object) -> str:
    return told if isinstance(told, str) else ""


def _number(told: object) -> int:
    return told if isinstance(told, int) and told > 0 else 0
