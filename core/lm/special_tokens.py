"""What chat templates put between the entries of a chat, made harmless where people write it.

A tokenizer reads `<|im_end|>` in somebody's message as the end of that message, so that what follows could pass for
another entry: the system's. Pure.
"""

import re
from collections.abc import Iterable

_KNOWN = (
    r"<\|[^|<>\s]{1,40}\|>"  # ChatML and its kin, Llama 3, Phi, gpt-oss, the model that ships
    "|<\uff5c[^\uff5c<>]{1,40}\uff5c>"  # DeepSeek
    r"|</?(?:s|bos|eos|start_of_turn|end_of_turn)>"  # Llama 2, Gemma
    r"|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS)\]"  # Llama 2, Mistral
)
Pattern = re.Pattern[str]


def pattern(own: Iterable[str] = ()) -> Pattern:
    """What to look for: the markers that are in use, and a tokenizer's `own`."""
    exact = sorted((re.escape(token) for token in own if len(token.strip()) > 1), key=len, reverse=True)
    return re.compile("|".join([_KNOWN, *exact]), re.IGNORECASE)


def defused(text: str, markers: Pattern) -> str:
    """The text with a blank after the first character of each marker: it reads the same and is none any more."""
    return markers.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
