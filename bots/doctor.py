"""`parley doctor`: looks at each part in turn and says what to mend."""

from collections.abc import Awaitable, Callable

from bots import app as building
from bots import loading
from bots.app import App
from core import profiles
from core import settings as configuring
from core.errors import AssistantError
from core.lm.base import Request, Utterance
from core.settings import Settings
from core.speaking import Speaking
from core.store import Store, open_store
from core.voices.builtin import BuiltinVoice

Say = Callable[[str], None]


async def examine(settings: Settings, say: Say) -> bool:
    """Check everything, a line each; True when all is well."""
    checks = [_check("settings", _settings(settings), say)]
    try:
        async with open_store(settings.redis_url, settings.data_dir, settings.redis_fsync) as store:
            checks.append(_check("redis", _redis(store), say))
            checks += [_check(name, work, say) for name, work in _parts(settings, store)]
            return all([await check for check in checks])
    except AssistantError as error:
        for check in checks:
            await check
        say(f"✗ redis: {error}")
        return False


def _parts(settings: Settings, store: Store) -> list[tuple[str, Awaitable[str]]]:
    app = App(settings, store)
    platforms = building.open_platforms(app).values()
    tokens = [platform for platform in platforms if isinstance(platform, building.Account)]
    return [
        ("language model", _model(settings)),
        ("hearing", _hearing(settings)),
        ("speaking", _speaking(settings)),
        *((platform.name, platform.check()) for platform in tokens),
        *((("access", _access(settings, app)),) if tokens else ()),
    ]


async def _check(name: str, work: Awaitable[str], say: Say) -> bool:
    try:
        say(f"✓ {name}: {await work}")
    except AssistantError as error:
        say(f"✗ {name}: {error}")
        return False
    return True


async def _settings(settings: Settings) -> str:
    profile = profiles.load(settings.profile)
    return f"profile {profile.name}, data in {settings.data_dir.resolve()}"


async def _redis(store: Store) -> str:
    version = await store.check()
    appendonly = (await store.redis.config_get("appendonly"))["appendonly"]
    durable = "writes to an append-only file" if appendonly == "yes" else "keeps nothing on disk: set appendonly yes"
    return f"{version}, {durable}"


async def _access(settings: Settings, app: App) -> str:
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
    model = await loading.off_loop(loading.open_model, settings)
    request = Request((Utterance("user", "hello"),), max_new_tokens=16, channel="doctor")
    answer = "".join([piece async for piece in model.stream(request)])
    await model.close()
    return f"{model.name} says {answer!r}"


async def _hearing(settings: Settings) -> str:
    """Speak one sentence with the built-in voice and hear it."""
    hearing = await loading.off_loop(loading.open_hearing, settings)
    voice = Speaking(BuiltinVoice())
    note = await voice.speak("Hello, how are you?", "en")
    heard = await hearing.transcribe(note.ogg, language="en")
    hearing.close()
    await voice.close()
    return f"{hearing.name} hears {heard.text!r} when the voice says 'Hello, how are you?'"


async def _speaking(settings: Settings) -> str:
    speaking = await loading.off_loop(loading.open_speaking, settings)
    try:
        note = await speaking.speak("Hello, how are you?", "en")
    finally:
        await speaking.close()
    return f"{speaking.name} says 'Hello, how are you?' in {note.duration_s:.1f} s"
