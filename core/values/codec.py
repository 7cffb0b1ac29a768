"""The JSON of values that Redis keeps."""

import json
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from core.errors import PermanentError

_Value = TypeVar("_Value")
_NAMED = 3


def from_json(adapter: TypeAdapter[_Value], raw: bytes | str, what: str) -> _Value:
    """The value of `to_json`; PermanentError when it is not one: it names the places and no word of what stands there.

    The error of the library is not kept as its cause: it quotes what people wrote.
    """
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        places = [f"{each['type']} at {'.'.join(map(str, each['loc'])) or 'its beginning'}" for each in wrong[:_NAMED]]
        raise PermanentError(f"{what} that nobody can read: {', '.join(places)}") from None


def to_json(adapter: TypeAdapter[_Value], value: _Value, *, sparse: bool = False) -> bytes:
    """JSON of a value; half of a surrogate pair, which some apps let people send and UTF-8 does not have, becomes ?.

    `sparse` leaves out what is None.
    """
    try:
        return adapter.dump_json(value, by_alias=True, exclude_none=sparse)
    except PydanticSerializationError:
        plain = adapter.dump_python(value, mode="json", by_alias=True, exclude_none=sparse)
        return json.dumps(plain, ensure_ascii=False).encode(errors="replace")
