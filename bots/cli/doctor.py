"""`parley doctor`: looks at each part in turn and says what to mend; none keeps the others from being looked at."""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

from bots import loading, starter
from bots.app import App
from bots.cli import settings_check
from bots.locales import FALLBACK, Phrases
from core import settings as configuring
from core.errors import AssistantError, SettingError, UserError
from core.lm.base import Request, Utterance, whole_text
from core.settings import Settings
from core.speech.scoring import word_errors
from core.speech.synthesis import Speaking
from core.speech.transcription import SHIPPED_NAME
from core.speech.voices.builtin import BuiltinVoice
from core.store.redis import Store, open_store

Say = Callable[[str], None]
_SAID = (
    "Hello, how are you?",
    "What is the capital of France?",
    "Please remind me to call my mother tomorrow at five.",
    "Do you deliver to the station on Monday?",
)
_MISHEARD = 1 / 3
"""The share of words that good ears may mishear: of these 28, said by espeak-ng, Whisper base mishears 7."""
_ELSEWHERE = ("LM_MODEL", "ASR_MODEL", "TTS_MODEL", "TELEGRAM_TOKEN", "DISCORD_TOKEN")
"""What the check of its own part says more exactly."""


async def examine(settings: Settings, wrong: Sequence[SettingError], say: Say) -> bool:
    """Check everything, a line each; True when all is well. `wrong` are settings that stand at their defaults now."""
    wrong = [*wrong, *(error for error in settings_check.wrong(settings) if error.setting not in _ELSEWHERE)]
    for error in wrong:
        say(f"✗ settings: {error}")
    for sentence in settings_check.unknown():
        say(f"! settings: {sentence}")
    if not wrong:
        say(f"✓ settings: profile {settings.profile}, data in {settings.data_dir.resolve()}")
    well = [await _check(name, look, say) for name, look in _parts(settings).items()]
    return all(well) and not wrong


def _parts(settings: Settings) -> dict[str, Callable[[], Awaitable[str]]]:
    parts: dict[str, Callable[[], Awaitable[str]]] = {
        "redis": lambda: _redis(settings),
        "language model": lambda: _model(settings),
        "hearing": lambda: _hearing(settings),
        "speaking": lambda: _speaking(settings),
    }
    if settings.telegram_token.get_secret_value():
        parts["telegram"] = lambda: _telegram(settings)
    if settings.discord_token.get_secret_value():
        parts["discord"] = lambda: _discord(settings)
    if len(parts) > 4:
        parts["access"] = lambda: _access(settings)
    return parts


class _Doubt(Exception):
    """What works, and less well than people may expect."""


async def _check(name: str, look: Callable[[], Awaitable[str]], say: Say) -> bool:
    try:
        say(f"✓ {name}: {await look()}")
    except UserError as error:  # a sentence for whoever writes to it
        say(f"✗ {name}: {Phrases().say(error.key, FALLBACK, **error.params)}")
        return False
    except AssistantError as error:
        say(f"✗ {name}: {error}")
        return False
    except _Doubt as doubt:
        say(f"! {name}: {doubt}")
    return True


def _store(settings: Settings) -> AbstractAsyncContextManager[Store]:
    return open_store(settings.redis_url, settings.data_dir, settings.redis_fsync)


async def _telegram(settings: Settings) -> str:
    from bots.telegram_bot import account  # a quarter of a second

    token = settings.telegram_token.get_secret_value()
    if wants := settings_check.telegram_token(token):
        raise SettingError("TELEGRAM_TOKEN", "a value that is not shown", wants)
    found = await account.look_up(token, settings.telegram_api_base)
    return f"@{found.username}" + ("" if found.reads_groups else ", shown mentions and replies alone in groups")


async def _discord(settings: Settings) -> str:
    from bots.discord_bot import account  # half a second

    token = settings.discord_token.get_secret_value()
    if wants := settings_check.discord_token(token):
        raise SettingError("DISCORD_TOKEN", "a value that is not shown", wants)
    found = await account.look_up(token, settings.discord_api_base or None)
    if not found.reads_messages:
        raise _Doubt(f"{found.name}: its Message Content Intent seems off (discord.com/developers, Bot)")
    return f"{found.name}, invited by {found.invitation}"


async def _redis(settings: Settings) -> str:
    async with _store(settings) as store:
        version = await store.check()
        appendonly = (await store.redis.config_get("appendonly"))["appendonly"]
    durable = "writes to an append-only file" if appendonly == "yes" else "keeps nothing on disk: set appendonly yes"
    return f"{version}, {durable}"


async def _access(settings: Settings) -> str:
    async with _store(settings) as store:
        return await _doors(settings, App(settings, store))


async def _doors(settings: Settings, app: App) -> str:
    access = app.access
    owners, allowed = (len(configuring.names_in(names)) for names in (settings.owners, settings.allowed))
    if access.rule == "open":
        limits = "as far as the quotas allow" if app.quotas.any else "and no quota is set"
        return f"ACCESS=open: everybody who finds the bot may use it, {limits}"
    listed = f"OWNERS names {owners}, ALLOWED {allowed}"
    if access.rule == "list":
        return f"ACCESS=list: {listed}, nobody else may talk to it"
    let_in, waiting = await access.pairing.let_in(), await access.pairing.waiting()
    return f"ACCESS=pairing: {listed}, codes let {len(let_in)} in, {len(waiting)} waiting (`parley pair` shows them)"


async def _model(settings: Settings) -> str:
    name = starter.first("mind", settings)
    model = await loading.in_thread(lambda stop: loading.open_model(settings, name, stop))
    request = Request((Utterance.of("user", "hello"),), max_new_tokens=16, channel="doctor")
    try:
        answer = await whole_text(model, request)
    finally:
        await model.close()
    where = f"at {urlsplit(settings.lm_url).netloc.rpartition('@')[2]}" if settings.lm_url else "on this machine"
    kind = where if "instructions" in model.capabilities else "built-in"
    return f"{model.name} ({kind}, {model.context_tokens} tokens) says {answer!r}"


async def _hearing(settings: Settings) -> str:
    """Say a few sentences with the built-in voice and hear them."""
    name = starter.first("ears", settings)
    hearing = await loading.in_thread(lambda stop: loading.open_hearing(settings, name, stop))
    voice = Speaking(BuiltinVoice())
    pairs: list[tuple[str, str]] = []
    for said in _SAID:
        note = await voice.speak(said, "en")
        try:
            pairs.append((said, (await hearing.transcribe(note.ogg, language="en")).text))
        except UserError:  # no words in it
            pairs.append((said, ""))
    await hearing.close()
    await voice.close()
    return _judged(hearing.name, builtin=hearing.name == SHIPPED_NAME, pairs=pairs)


def _judged(name: str, *, builtin: bool, pairs: Sequence[tuple[str, str]]) -> str:
    errors = sum(_errors(said, heard) for said, heard in pairs)
    words = sum(len(_words(said)) for said, _ in pairs)
    figures = f"{name} ({'built-in' if builtin else 'a real model'}) misheard {errors} of {words} words"
    if errors <= _MISHEARD * words:
        return figures
    said, heard = max(pairs, key=lambda pair: _errors(*pair))
    worst = f"{figures}: {said!r} as {heard!r}"
    raise _Doubt(f"{worst}. {'It knows little; `parley setup` has better ears' if builtin else 'Is ASR_MODEL whole?'}")


def _errors(said: str, heard: str) -> int:
    return word_errors(_words(said), _words(heard))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


async def _speaking(settings: Settings) -> str:
    speaking = await loading.in_thread(lambda stop: loading.open_speaking(settings, stop))
    try:
        note = await speaking.speak(_SAID[0], "en")
    finally:
        await speaking.close()
    return f"{speaking.name} says {_SAID[0]!r} in {note.duration_s:.1f} s"
