"""A tokenizer and its chat template: the text of a chat to token ids and back, as transformers has it."""

import json
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import Node, Scope
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from tokenizers import Tokenizer as Backend

from core import clock
from core.errors import PermanentError
from core.lm.local.blueprint import Chat

FILE = "tokenizer.json"


class Tokenizer:
    """Words of one model. Safe to use from several threads."""

    def __init__(self, backend: Backend, chat: Chat) -> None:
        """`backend` is a tokenizer of the tokenizers library; how it cuts or fills up is dropped."""
        backend.no_truncation()
        backend.no_padding()
        self.chat = chat
        self._backend = backend
        self._added = backend.get_added_tokens_decoder()

    @classmethod
    def open(cls, folder: Path, chat: Chat) -> "Tokenizer":
        """That of a folder."""
        return cls(Backend.from_file(str(folder / FILE)), chat)

    def save(self, folder: Path) -> None:
        """Write what `open` reads."""
        self._backend.save(str(folder / FILE), pretty=False)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, special tokens by their names among them."""
        return self._backend.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of token ids, special tokens left out."""
        return self._backend.decode(list(ids), skip_special_tokens=True)

    def word(self, token: int) -> str | None:
        """A token as the vocabulary spells it."""
        return self._backend.id_to_token(token)

    @property
    def special(self) -> dict[int, str]:
        """Tokens that are no text: ids and names."""
        return {at: str(token.content) for at, token in self._added.items() if token.special}

    @cached_property
    def decoder(self) -> dict[str, Any]:
        """How tokens become text, in the words of tokenizer.json."""
        decoder: Any = self._backend.decoder
        return json.loads(decoder.__getstate__()) if decoder is not None else {}

    @cached_property
    def takes_system(self) -> bool:
        """Whether the chat template has a system role; some raise instead."""
        try:
            self.rendered([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}])
        except PermanentError:
            return False
        return True

    def rendered(self, chat: list[dict[str, str]]) -> str:
        """The text of a chat and of what asks for the next answer; PermanentError when the template refuses it."""
        try:
            known = {**self.chat.named, "messages": chat, "tools": None, "documents": None}
            return self._template.render(**known, add_generation_prompt=True)
        except jinja2.TemplateError as error:
            raise PermanentError(f"the chat template refuses this chat: {error}") from error

    @cached_property
    def _template(self) -> jinja2.Template:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
        )
        environment.filters["tojson"] = _as_json
        known: dict[str, Any] = environment.globals
        known |= {"raise_exception": _refuse, "strftime_now": _now, "dict": _Dict(), "namespace": _Namespace}
        return environment.from_string(self.chat.template)


class _Generation(Extension):
    """The tag that marks an assistant's words for training: here they are only words."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> Node:
        """What is inside."""
        line = next(parser.stream).lineno
        return Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


def without_system(chat: list[dict[str, str]]) -> list[dict[str, str]]:
    """System words moved to the front of the first user message."""
    words = [each["content"] for each in chat if each["role"] == "system"]
    rest = [dict(each) for each in chat if each["role"] != "system"]
    for each in rest:
        if words and each["role"] == "user":
            each["content"] = "\n\n".join([*words, each["content"]])
            break
    return rest


class _Dict:
    """`dict` of a template, which comes from a stranger: what it makes, and nothing of Python's own type."""

    def __call__(self, *args: Any, **more: Any) -> dict[Any, Any]:
        return dict(*args, **more)

    def fromkeys(self, keys: Iterable[Any], value: Any = None) -> dict[Any, Any]:
        """A value for each key."""
        return dict.fromkeys(keys, value)


class _Namespace(Namespace):
    """`namespace` of a template, which keeps no names that lead into Python."""

    def __init__(*args: Any, **more: Any) -> None:  # without `self`, which a template may want as a name
        names = dict(*args[1:], **more)
        for name in names:
            _check_name(name)
        Namespace.__init__(args[0], names)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        super().__setitem__(name, value)


def _check_name(name: str) -> None:
    if name.startswith("_"):
        raise SecurityError(f"chat templates keep no name like {name!r}")


def _refuse(reason: str) -> None:
    raise jinja2.TemplateError(reason)


def _now(form: str) -> str:
    return datetime.fromtimestamp(clock.now()).strftime(form)


def _as_json(value: Any, ensure_ascii: bool = False, **how: Any) -> str:
    """Without Jinja's own escapes for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, **how)
