"""The product behind the page, beside a test that no event loop runs in: all that `parley run` puts together.

Who answers is a server of the tests, so that a test may choose the words: it repeats what it is told, "slow" slowly,
"silent" when it is let, and to "fail" it says nothing. What is recorded is always heard as the same words, by another;
it is spoken by the voice that ships.
"""

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Callable, Generator
from pathlib import Path

from aiohttp import web

from bots.app import App
from bots.platforms import open_platforms
from bots.web.platform import WebPlatform
from core.store.redis import open_store
from tests.fault.model_server import MODEL, Asked, ModelServer, Trouble, answer_to
from tests.platforms.ears_server import EarsServer, heard
from tests.support.settings import settings_of

TRANSCRIPT = "how do you do"
_START_S = 60

MARKDOWN = """Here is **bold**, *soft* and `inline code`:

1. first
2. second <img src=x onerror=alert(1)>

- a point
- [a link](https://example.org) and [a bad one](javascript:alert(1))

```python
def greet(name: str) -> str:
    return f"hello {name} and everybody else who happens to read this very long line of code"
```

> A quiet word.

### The end"""


class Mind(ModelServer):
    """A model whose words, and whose pace, depend on what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        chosen = {"fail": "", "markdown": MARKDOWN}
        self.answer = lambda said: chosen.get(said, answer_to(said))

    async def _answer(self, request: web.Request, asked: Asked, trouble: Trouble) -> web.StreamResponse:
        self.word_s = 0.8 if "slow" in asked.said else 0.01
        if asked.said.startswith("silent"):
            await self.go.wait()
        return await super()._answer(request, asked, trouble)


@contextlib.contextmanager
def short_folder() -> Generator[Path]:
    """An empty folder: pytest's own have longer paths than a unix socket may."""
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def served(folder: Path, *, silence_s: float | None = None) -> Generator[tuple[str, Callable[[], object]]]:
    """The page's address, and what lets a "silent" message be answered."""
    ready, leave, mind = threading.Event(), asyncio.Event(), Mind()
    addresses: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with mind, EarsServer() as ears, open_store("", folder) as store:
            ears.standing = heard(TRANSCRIPT)
            settings = settings_of(
                data_dir=folder,
                web_port=0,
                models="builtin",
                lm_url=mind.base,
                lm_model=MODEL,
                asr_url=ears.base,
                asr_model="ears",
            )
            app = App(settings, store)
            page = open_platforms(app)["web"] if silence_s is None else _patient(app, silence_s)
            assert isinstance(page, WebPlatform)
            running = asyncio.create_task(app.run({"web": page}))
            await page.started.wait()
            while app.loading:
                await asyncio.sleep(0.01)
            addresses.append(page.address)
            ready.set()
            await leave.wait()
            app.leave()
            await running

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="product")
    thread.start()
    assert ready.wait(_START_S)
    yield addresses[0], lambda: loop.call_soon_threadsafe(mind.go.set)
    loop.call_soon_threadsafe(leave.set)
    thread.join(_START_S)
    loop.close()


def _patient(app: App, silence_s: float) -> WebPlatform:
    """The page with a longer silence than the product allows itself."""
    return WebPlatform(
        app.store,
        app.lanes,
        app.feedback,
        host="127.0.0.1",
        port=0,
        token=None,
        phrases=app.phrases,
        health=app.health,
        models=app.models,
        silence_s=silence_s,
    )
