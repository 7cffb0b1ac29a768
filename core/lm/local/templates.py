"""What a tokenizer's chat template makes of a chat, and how system words reach a template without a place for them."""

from typing import Any

from jinja2 import TemplateError

from core.errors import PermanentError


def takes_system(tokenizer: Any) -> bool:
    """Whether the chat template has a system role; some raise instead."""
    try:
        render(tokenizer, [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}])
    except PermanentError:
        return False
    return True


def render(tokenizer: Any, chat: list[dict[str, str]]) -> list[int]:
    """Token ids of a chat and of what asks for the next answer; PermanentError when the template refuses it."""
    try:
        # Not verbose: that a chat is longer than the model reads is told by who is asked for its tokens.
        quiet = {"verbose": False}
        encoded = tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_dict=True, tokenizer_kwargs=quiet
        )
    except TemplateError as error:
        raise PermanentError(f"the chat template refuses this chat: {error}") from error
    return encoded["input_ids"]


def without_system(chat: list[dict[str, str]]) -> list[dict[str, str]]:
    """System words moved to the front of the first user message."""
    words = [each["content"] for each in chat if each["role"] == "system"]
    rest = [dict(each) for each in chat if each["role"] != "system"]
    for each in rest:
        if words and each["role"] == "user":
            each["content"] = "\n\n".join([*words, each["content"]])
            break
    return rest
