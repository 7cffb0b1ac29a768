"""Which mind and which ears."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from bots.cli.setup import machine
from bots.cli.setup.asking import REMOVE, Setup
from core import settings as configuring
from core.errors import AssistantError, RetryableError, SettingError
from core.lm import server
from core.models import catalogue, fetching
from core.models.catalogue import Entry, Kind

_LOCAL_SERVER = "http://127.0.0.1:11434/v1"
_MOST_NAMES = 30


@dataclass(frozen=True, slots=True)
class _Option:
    """What can be chosen, and what is done then; False: it did not work, so the question comes again."""

    words: str
    take: Callable[[], bool]


def ask_mind(setup: Setup) -> None:
    """MODELS, LM_MODEL and LM_URL."""
    here, settings, say = machine.look(), setup.settings, setup.terminal.words
    gpu = say("gpu", name=here.gpu, memory=decimal(here.gpu_memory)) if here.gpu else say("no_gpu")
    setup.terminal.tell("machine", memory=decimal(here.free), cores=here.cores, gpu=gpu)
    setup.terminal.tell("mind")
    first, best = catalogue.starter("mind"), here.recommended_mind()
    options: list[_Option] = []
    if now := settings.lm_model or settings.lm_url:
        at = f"{settings.lm_model} @ {settings.lm_url}" if settings.lm_url else now
        options.append(_Option(say("keep", what=at), lambda: True))
    usual = 1 if not now and (best is None or settings.models == "builtin") else 0
    starting = _Option(say("starter", **_told(first)), lambda: _set(setup, models="starter", lm_model="", lm_url=""))
    builtin = _Option(say("builtin_mind"), lambda: _set(setup, models="builtin", lm_model="", lm_url=""))
    options += [starting, builtin]
    others = [each for each in catalogue.entries() if each.kind == "mind" and each != first and here.carries(each)]
    options += [_fetched(setup, each, lm_url="") for each in others]
    if best in others and not usual and not now:
        usual = 2 + others.index(best)
    options.append(_Option(say("server"), lambda: _ask_server(setup)))
    _choose(setup, options, usual)


def ask_ears(setup: Setup) -> None:
    """ASR_MODEL; which mind was chosen decides whether the first ones are fetched by themselves."""
    here, settings, say = machine.look(), setup.settings, setup.terminal.words
    setup.terminal.tell("ears")
    first = catalogue.starter("ears")
    own_mind = bool(settings.lm_model or settings.lm_url)
    options: list[_Option] = []
    if settings.asr_model:
        options.append(_Option(say("keep", what=settings.asr_model), lambda: True))
    if own_mind or settings.models == "starter":
        options.append(_Option(say("starter", **_told(first)), lambda: _set(setup, models="starter", asr_model="")))
    else:
        options.append(_fetched(setup, first))
    usual = 0
    if own_mind or settings.models == "builtin":
        options.append(_Option(say("builtin_ears"), lambda: _set(setup, models="builtin", asr_model="")))
        usual = 1 if settings.models == "builtin" and not settings.asr_model else 0
    options += [
        _fetched(setup, each)
        for each in catalogue.entries()
        if each.kind == "ears" and each != first and here.carries(each)
    ]
    _choose(setup, options, usual)


def _choose(setup: Setup, options: list[_Option], usual: int) -> None:
    while True:
        chosen = setup.terminal.choose([option.words for option in options], usual)
        if options[chosen].take():
            return


def _set(setup: Setup, **values: str) -> bool:
    setup.keep(**values)
    return True


def _told(entry: Entry) -> dict[str, str]:
    return {
        "name": entry.name,
        "purpose": entry.purpose,
        "size": decimal(entry.size or 0),
        "memory": decimal(entry.least_memory or 0),
        "licence": entry.licence,
    }


def _fetched(setup: Setup, entry: Entry, **beside: str) -> _Option:
    def take() -> bool:
        path = _fetch(setup, entry)
        return bool(path) and _set(setup, **{_FIELDS[entry.kind]: path}, **beside) if entry.kind else False

    return _Option(setup.terminal.words("catalogue", **_told(entry)), take)


_FIELDS: dict[Kind, str] = {kind: name.lower() for kind, name in catalogue.SETTINGS.items()}


def _fetch(setup: Setup, entry: Entry) -> str:
    """Where the model is now, "" when it could not be had."""
    setup.terminal.tell("fetching", name=entry.name, size=decimal(entry.size or 0))
    stop = Event()
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(entry.name, total=entry.size)

        def show(progress: fetching.Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total)

        try:
            return str(fetching.fetch(entry, setup.settings.data_dir / "models", show, stop).resolve())
        except AssistantError as error:
            setup.terminal.tell("not_fetched", reason=error)
            return ""
        finally:
            stop.set()


def _ask_server(setup: Setup) -> bool:
    terminal, settings = setup.terminal, setup.settings
    url = terminal.ask("server_address", default=settings.lm_url or _LOCAL_SERVER) or settings.lm_url or _LOCAL_SERVER
    if not configuring.fits("lm_url", url):
        terminal.tell("server_shape")
        return False
    key = terminal.ask_secret("server_key", now=setup.ending(settings.lm_api_key.get_secret_value()))
    key = "" if key == REMOVE else key or settings.lm_api_key.get_secret_value()
    try:
        model = _ask_model(setup, server.names(url, key))
        told = server.find(url, model, key)
    except SettingError as error:
        terminal.tell("refused", reason=error)
        return False
    except RetryableError as error:
        terminal.tell("unreachable", reason=error)
        if not terminal.agree("keep_anyway", usually=False):
            return False
        return _set(setup, lm_url=url, lm_api_key=key, lm_model=terminal.ask("server_model"))
    terminal.tell("server_found", name=told.name, tokens=told.context_tokens or terminal.words("not_told"))
    return _set(setup, lm_url=url, lm_api_key=key, lm_model=told.name)


def _ask_model(setup: Setup, names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return names[0]
    if not 0 < len(names) <= _MOST_NAMES:
        return setup.terminal.ask("server_model")
    now = setup.settings.lm_model
    setup.terminal.tell("server_models")
    return names[setup.terminal.choose(names, names.index(now) if now in names else 0)]
