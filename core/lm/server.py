"""What an OpenAI-compatible server tells of its models: which there are, and how many tokens each reads at most.

The list is `GET /v1/models`. The context length is no part of OpenAI's answer, so each server tells it in its own way:

    vLLM, SGLang      max_model_len of the list; an adapter has its `parent`'s
    llama.cpp         /props: default_generation_settings.n_ctx (what one chat gets), else meta.n_ctx_train of the list
    Ollama            /api/ps: context_length of a loaded model, else /api/show: num_ctx, else the model's own, but no
                      more than 4,096 (Ollama's default): it cuts what is longer without a word
    LM Studio         /api/v0/models: loaded_context_length, else max_context_length
    hosted ones       context_length, context_window or max_context_length of the list

Everything here blocks. Errors never carry the key, the address or what the server said.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from core.errors import RetryableError, SettingError

_LOOK_S = 5.0
_TRY_S = 30.0
_SHOWN = 8
_OLLAMA_DEFAULT = 4096
_LISTED = ("max_model_len", "context_length", "context_window", "max_context_length")
_UNKNOWN_MODEL = (400, 404, 422)
_AWAY = (408, 429, 502, 503, 504)
"""Without 500: `transformers serve` says it of its list where nothing was downloaded yet, and chats all the same."""
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offered:
    """One model of a server; `context_tokens` is 0 where nobody tells."""

    name: str
    context_tokens: int


def names(url: str, api_key: str = "") -> tuple[str, ...]:
    """The names that the server lists; none when it has no list. Errors as of `find`."""
    with _client(url, api_key) as client:
        return tuple(str(entry["id"]) for entry in _list(client))


def find(url: str, model: str, api_key: str = "") -> Offered:
    """The model of that name, or with "" the only one that there is.

    A name that is not listed is tried: some servers load what they do not list, or answer to any name.
    SettingError names LM_MODEL and models that are there, or LM_API_KEY; RetryableError when nobody answers.
    """
    with _client(url, api_key) as client:
        entries = _list(client)
        ids = [str(entry["id"]) for entry in entries]
        if not model:
            if len(ids) != 1:
                raise SettingError("LM_MODEL", "nothing", f"the name of a model of LM_URL{_some(ids)}")
            model = ids[0]
        entry = next((each for each in entries if each["id"] in (model, f"{model}:latest")), None)
        if ids and entry is None and _refused(client, model):
            raise SettingError("LM_MODEL", repr(model), f"a model that LM_URL has{_some(ids)}")
        if entry is None and len(entries) == 1:
            entry = entries[0]  # llama.cpp, which has one, answers to any name
        return Offered(model, _context_tokens(client, model, entry or {}, entries))


def _some(ids: list[str]) -> str:
    """A few of the names, for a sentence."""
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return f": {', '.join(sorted(ids)[:_SHOWN])}{more}" if ids else ""


def _client(url: str, api_key: str) -> Any:
    from httpx2 import Client  # a sixth of a second, which a start without LM_URL does not need

    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    return Client(base_url=f"{url.rstrip('/')}/", headers=headers, timeout=_LOOK_S)


def _list(client: Any) -> list[Entry]:
    from httpx2 import HTTPError

    try:
        answer = client.get("models")
    except HTTPError as error:
        raise RetryableError(f"LM_URL cannot be reached: {type(error).__name__}", after_s=5.0) from None
    if answer.status_code == 401:
        raise SettingError("LM_API_KEY", "a key that is not shown", "the key that LM_URL asks for (it answered 401)")
    if answer.status_code in _AWAY:
        raise RetryableError(f"LM_URL answered {answer.status_code}", after_s=5.0)
    return [entry for entry in _entries(_json(answer), "data") if isinstance(entry.get("id"), str)]


def _refused(client: Any, model: str) -> bool:
    """Whether the server knows no such model, asked for a single token; one that is slow or busy refuses nothing."""
    from httpx2 import HTTPError

    body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "Hello"}]}
    try:
        return client.post("chat/completions", json=body, timeout=_TRY_S).status_code in _UNKNOWN_MODEL
    except HTTPError:
        return False


def _context_tokens(client: Any, model: str, entry: Entry, entries: Iterable[Entry]) -> int:
    parent = next((each for each in entries if each["id"] == entry.get("parent")), {})
    for told in (entry, parent):
        if listed := next((tokens for field in _LISTED if (tokens := _int(told.get(field)))), 0):
            return listed
    meta = entry.get("meta")
    if isinstance(meta, dict):
        trained = _int(cast("Entry", meta).get("n_ctx_train"))
        return _llama_cpp(client) or trained
    return _ollama(client, model) or _lm_studio(client, model)


def _llama_cpp(client: Any) -> int:
    settings = _ask(client, "GET", "props").get("default_generation_settings")
    return _int(cast("Entry", settings).get("n_ctx")) if isinstance(settings, dict) else 0


def _ollama(client: Any, model: str) -> int:
    loaded = _entries(_ask(client, "GET", "api/ps"), "models")
    for entry in loaded:
        if entry.get("name") in (model, f"{model}:latest") and (tokens := _int(entry.get("context_length"))):
            return tokens
    shown = _ask(client, "POST", "api/show", {"model": model})
    if set_there := re.search(r"^num_ctx\s+(\d+)", str(shown.get("parameters", "")), re.MULTILINE):
        return int(set_there[1])
    about = shown.get("model_info")
    known = cast("Entry", about) if isinstance(about, dict) else {}
    longest = next((_int(value) for key, value in known.items() if key.endswith(".context_length")), 0)
    return min(longest, _OLLAMA_DEFAULT)


def _lm_studio(client: Any, model: str) -> int:
    models = [each for each in _entries(_ask(client, "GET", "api/v0/models"), "data") if each.get("id") == model]
    loaded = next((tokens for each in models if (tokens := _int(each.get("loaded_context_length")))), 0)
    return loaded or next((tokens for each in models if (tokens := _int(each.get("max_context_length")))), 0)


def _ask(client: Any, method: str, path: str, body: Entry | None = None) -> Entry:
    """What the server says beside its OpenAI part, whose address ends in /v1; {} when it says nothing of that kind."""
    from httpx2 import HTTPError

    root = str(client.base_url).rstrip("/").removesuffix("/v1")
    try:
        answer = client.request(method, f"{root}/{path}", json=body)
    except HTTPError:
        return {}
    return _json(answer)


def _json(answer: Any) -> Entry:
    try:
        told = answer.json() if answer.is_success else {}
    except ValueError:
        return {}
    return cast("Entry", told) if isinstance(told, dict) else {}


def _entries(told: Entry, field: str) -> list[Entry]:
    listed = told.get(field)
    return (
        [cast("Entry", each) for each in cast("list[Any]", listed) if isinstance(each, dict)]
        if isinstance(listed, list)
        else []
    )


def _int(value: object) -> int:
    """A number of tokens, 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
