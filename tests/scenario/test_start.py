"""What an owner sees at start: it comes up, or one line says what to change."""

from pathlib import Path

import httpx
import pytest

from tests.scenario.product import run_to_end, running


async def test_the_name_is_remembered_after_kill_9_and_only_in_its_channel(data: Path):
    async with running(data) as product:
        await product.ask("My name is Zora.")
        await product.kill()
        await (await product.start()).healthy()
        assert "Zora" in (await product.ask("What is my name?"))["text"]
        assert "Zora" not in (await product.ask("What is my name?", "elsewhere"))["text"]
        assert await product.stop() == 0


async def test_health_names_every_part(data: Path):
    async with running(data) as product, httpx.AsyncClient() as client:
        health = (await client.get(f"{product.page}/healthz")).json()
    assert {"redis", "language model", "hearing", "speaking", "web"} <= set(health)


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("REDIS_URL", "redis://127.0.0.1:1/0", "REDIS_URL: got redis://127.0.0.1:1/0, wants"),
        ("WEB_PORT", "eighty", "WEB_PORT: got 'eighty', wants"),
        ("LM_MODEL", "{folder}", "LM_MODEL: got"),
        ("ASR_MODEL", "{folder}", "ASR_MODEL: got"),
        ("TTS_MODEL", "{folder}", "TTS_MODEL: got"),
        ("TTS_URL", "http://127.0.0.1:9/v1", "TTS_MODEL: got nothing, wants the name of the voice's model at"),
        ("PROFILE", "pirate", "PROFILE: got"),
        ("WEB_HOST", "0.0.0.0", "WEB_TOKEN: got nothing, wants"),
    ],
)
async def test_what_keeps_it_from_starting_is_one_line_that_names_the_setting(
    data: Path, setting: str, value: str, says: str
):
    (data / "empty").mkdir()
    code, printed = await run_to_end(data, "run", **{setting: value.format(folder=data / "empty")})
    assert code == 2
    lines = [line for line in printed.splitlines() if line.startswith("parley: ")]
    assert len(lines) == 1
    assert lines[0].startswith(f"parley: {says}")
    assert "Traceback" not in printed


async def test_doctor_finds_all_well_and_says_what_is_not(data: Path):
    code, printed = await run_to_end(data, "doctor")
    assert (code, printed.count("✗")) == (0, 0), printed
    code, printed = await run_to_end(data, "doctor", LM_MODEL=str(data))
    assert code == 1
    assert "✗ language model: LM_MODEL: got" in printed
    assert "! hearing" in printed
    assert "✓ speaking: espeak-ng says" in printed


async def test_all_that_is_wrong_is_told_before_the_page_opens(data: Path):
    (data / ".env").write_text("LM_QUANTISE=int8\nPROFILE=teacher\nLM_MODEL=/nonexistent\nWEB_PORT=eighty\n")
    code, printed = await run_to_end(data, "run", WEB_PORT="")
    assert code == 2
    lines = [line.removeprefix("parley: ") for line in printed.splitlines()]
    assert lines[0] == ".env sets LM_QUANTISE, which is no setting: did you mean LM_QUANTIZE?"
    assert [line.split(":")[0] for line in lines[1:]] == ["WEB_PORT", "PROFILE", "LM_MODEL"]
    assert not (data / "d").exists()


async def test_doctor_tells_each_part_on_its_own(data: Path):
    code, printed = await run_to_end(
        data, "doctor", TELEGRAM_TOKEN="hello", WEB_PORT="eighty", LM_URL="http://ann:secret@127.0.0.1:9/v1"
    )
    assert code == 1
    lines = dict(line.split(": ", 1) for line in printed.splitlines() if line[:1] in "✓✗!")
    assert set(lines) == {
        "✗ settings",
        "✓ redis",
        "✗ language model",
        "! hearing",
        "✓ speaking",
        "✗ telegram",
        "✓ access",
    }
    assert lines["✗ telegram"].startswith("TELEGRAM_TOKEN: got a value that is not shown")
    assert "built-in" in lines["! hearing"]
    assert "secret" not in printed


async def test_where_the_page_is_for_all_its_address_can_be_opened_from_elsewhere(data: Path):
    async with running(data, WEB_HOST="0.0.0.0", WEB_TOKEN="open-sesame") as product:
        assert "0.0.0.0" not in product.page
        assert len([line for line in (*product.said, *product.log) if "http://" in line]) == 1
