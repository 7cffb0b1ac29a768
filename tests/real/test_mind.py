"""The 0.5 B from its GGUF file: it knows what it knew, in little memory, and the whole product on the starter set."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from core.lm.base import Request, Utterance, whole_text
from core.lm.local.model import LocalModel
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from core.values.sampling import Sampling
from tests.scenario.product import ROOT, Product, environment

MOST_BYTES = 1_600_000_000
_PACKING_S = 900
"""For the first start, which brings 494 M weights into their form: half a minute of two cores that are free."""
CHILD = """
import asyncio, sys
from pathlib import Path
from core.lm.base import Request, Utterance, whole_text
from core.values.sampling import Sampling
from core.lm.local.model import LocalModel

async def main(path: str, keep: Path) -> None:
    told = []
    model = LocalModel.open(path, "int8", keep, told.append)
    asked = Request((Utterance.of("user", "What is the capital of France?"),), 32, Sampling(temperature=0))
    said = await whole_text(model, asked)
    await model.close()
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(peak.split()[1]) * 1024, len(told), said.replace("\\n", " "))

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packed")


@pytest.fixture(scope="module")
def model(mind: Path, keep: Path) -> Iterator[LocalModel]:
    opened = LocalModel.open(str(mind), "int8", keep)
    yield opened
    asyncio.run(opened.close())


async def child(mind: Path, keep: Path) -> tuple[int, int, str]:
    """Its peak of memory in bytes, how often it was told of progress in making the pack, and what it said."""
    command = (sys.executable, "-c", CHILD, str(mind), str(keep))
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, warned = (each.decode() for each in await process.communicate())
    assert (process.returncode, warned) == (0, "")
    peak, told, said = printed.split(" ", 2)
    return int(peak), int(told), said


async def say(model: LocalModel, *said: str) -> str:
    roles = ("user", "assistant") * len(said)
    chat = tuple(Utterance.of(role, text) for role, text in zip(roles, said, strict=False))
    return await whole_text(model, Request(chat, 96, Sampling(temperature=0)))


async def test_it_is_packed_once_in_little_memory_and_opened_in_less(mind: Path, keep: Path):
    packs, opens = await child(mind, keep), await child(mind, keep)
    assert "Paris" in packs[2]
    assert opens[2] == packs[2]
    assert (packs[1] > 10, opens[1]) == (True, 0)
    assert packs[0] <= MOST_BYTES
    assert opens[0] <= MOST_BYTES


async def test_it_answers_in_the_language_of_the_question(model: LocalModel):
    assert "Paris" in await say(model, "What is the capital of France?")
    said = await say(model, "中国的首都是哪里？")
    assert "北京" in said
    assert sum("\u4e00" <= character <= "\u9fff" for character in said) > 3
    assert "\ufffd" not in said


async def test_it_remembers_what_was_said_before(model: LocalModel):
    assert "Zora" in await say(model, "My name is Zora.", "Nice to meet you, Zora!", "What is my name?")


@pytest.fixture
async def product(models_dir: Path, mind: Path, ears: Path) -> AsyncIterator[Product]:
    # A path that is short enough for a unix socket.
    with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        (data / "d").mkdir()
        (data / "d" / "models").symlink_to(models_dir.absolute())
        started = Product(data, MODELS="starter")
        try:
            yield await (await started.start()).healthy(_PACKING_S)
        finally:
            await started.stop()


async def test_a_start_on_the_starter_set_knows_paris_and_hears_a_voice_note(product: Product):
    async with httpx.AsyncClient(base_url=product.page, timeout=120) as client:
        models = (await client.get("/v1/models")).json()["models"]
        assert "Paris" in (await product.ask("What is the capital of France?"))["text"]
        voice = Speaking(BuiltinVoice())
        note = (await voice.speak("What is the capital of Germany?", "en")).ogg
        await voice.close()
        answer = await client.post("/v1/channels/there/messages", files={"file": ("note.ogg", note, "audio/ogg")})
    assert {"qwen2.5-coder-0.5b", "whisper-base"} <= {each["name"] for each in models}
    said = answer.json()
    assert "capital of Germany" in said["heard"]
    assert "Berlin" in said["text"]
    assert not [line for line in product.log if "arning" in line or "WARNING" in line], product.log
