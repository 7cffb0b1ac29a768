import logging

import pytest
from pydantic import TypeAdapter, ValidationError

from core.telemetry import log, start_logging


@pytest.fixture(autouse=True)
def _restore():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_tokens_never_reach_the_log(capsys: pytest.CaptureFixture[str]):
    start_logging("INFO", ["hush-hush"])
    token = "123456789:" + "A" * 35
    log("x").info("calling %s", f"https://api.telegram.org/bot{token}/getMe")
    log("x").info("key hush-hush")
    try:
        raise RuntimeError(f"GET /bot{token}/getMe hush-hush")
    except RuntimeError:
        log("x").exception("failed")
    printed = capsys.readouterr().err
    assert token not in printed
    assert "hush-hush" not in printed
    assert printed.count("***") >= 4


def test_libraries_that_log_urls_stay_quiet(capsys: pytest.CaptureFixture[str]):
    start_logging("INFO")
    for library in ("httpx", "httpx2"):
        logging.getLogger(library).info("HTTP Request: POST https://api.telegram.org/bot1:x/getMe")
    assert capsys.readouterr().err == ""


def test_what_a_library_quotes_of_peoples_words_never_reaches_the_log(capsys: pytest.CaptureFixture[str]):
    start_logging("INFO")
    said = '["my secret\\nis plum", {"of": "my secret"}]'
    try:
        TypeAdapter(list[int]).validate_json(said)
    except ValidationError:
        log("x").exception("failed")
    printed = capsys.readouterr().err
    assert "int_parsing" in printed
    assert "secret" not in printed
