"""The JSON of values that Redis keeps."""

import json
from typing import TypeVar

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

_Value = TypeVar("_Value")


def to_json(adapter: TypeAdapter[_Value], value: _Value) -> bytes:
    """JSON of a value; half of a surrogate pair, which some apps let people send and UTF-8 does not have, becomes ?."""
    try:
        return adapter.dump_json(value)
    except PydanticSerializationError:
        plain = adapter.dump_python(value, mode="json")
        return json.dumps(plain, ensure_ascii=False).encode(errors="replace")
