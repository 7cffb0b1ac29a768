"""`parley voice`: what the voice of the settings sounds like, as a file."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from bots.loading import in_thread, open_speaking
from core.errors import PermanentError, UserError
from core.settings import Settings
from core.text.language import language_of, language_tag


async def write_note(settings: Settings, text: str, language: str, out: Path, say: Callable[[str], None]) -> None:
    """Speak `text` into `out` and tell where it is and how long; SettingError or PermanentError when that fails."""
    language = language_tag(language) if _is_tag(language) else language_of(text)
    speaking = await in_thread(lambda stop: open_speaking(settings, stop))
    try:
        note = await speaking.speak(text, language)
        await asyncio.to_thread(out.write_bytes, note.ogg)
    except UserError:
        raise PermanentError("there is nothing in that text that can be said") from None
    except OSError as error:
        raise PermanentError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        await speaking.close()
    say(f"{out}: {note.duration_s:.1f} s of {speaking.name} in {language}")


def _is_tag(language: str) -> bool:
    if not language:
        return False
    try:
        language_tag(language)
    except UserError:
        raise PermanentError(f"--language wants a code such as en, de or zh, not {language!r}") from None
    return True
