"""What is wrong is told before anything opens: all of it, a line each."""

from pathlib import Path

import pytest

from bots.cli import settings_check
from core import settings as configuring
from core.settings import Settings
from tests.support.settings import settings_of


def told(**values: object) -> list[str]:
    return [str(error) for error in settings_check.wrong(settings_of(**values))]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"profile": "teacher"}, "PROFILE: got 'teacher', wants one of "),
        ({"web_token": "hush"}, "WEB_TOKEN: got a value that is not shown, wants at least 8 letters"),
        ({"web_host": "0.0.0.0"}, "WEB_TOKEN: got nothing, wants a secret"),
        ({"lm_model": "/nonexistent"}, "LM_MODEL: got '/nonexistent', wants a folder that exists"),
        ({"asr_model": "./nonexistent"}, "ASR_MODEL: got './nonexistent', wants a folder that exists"),
        ({"tts_url": "http://127.0.0.1:9/v1"}, "TTS_MODEL: got nothing, wants the name of the voice's model at"),
        ({"telegram_token": "hello"}, "TELEGRAM_TOKEN: got a value that is not shown, wants the token that @BotFather"),
        ({"telegram_token": "42:a b"}, "TELEGRAM_TOKEN: "),
        ({"discord_token": "a" * 64}, "DISCORD_TOKEN: got a value that is not shown, wants the bot's token"),
        ({"discord_token": "123456789012345678"}, "DISCORD_TOKEN: "),
        ({"discord_token": "Bot abc.def.ghi"}, "DISCORD_TOKEN: "),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_setting(values: dict[str, object], says: str):
    (line,) = told(**values)
    assert line.startswith(says)
    assert "\n" not in line


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    lines = told(profile="x", web_host="::", lm_model=str(tmp_path / "empty"), asr_model="/no", telegram_token="x")
    assert [line.split(":")[0] for line in lines] == [
        "PROFILE",
        "WEB_TOKEN",
        "TELEGRAM_TOKEN",
        "LM_MODEL",
        "ASR_MODEL",
    ]


def test_folders_that_hold_what_they_should_and_names_of_the_hub_are_fine(tmp_path: Path):
    (tmp_path / "model.gguf").touch()
    for model in (str(tmp_path), str(tmp_path / "model.gguf"), "Qwen/Qwen2.5-0.5B-Instruct", "small"):
        assert told(lm_model=model) == []
    assert told(lm_model="", asr_model="small", tts_model="facebook/mms-tts-deu", telegram_token="42:aZ_-9") == []
    assert told(lm_url="http://127.0.0.1:9/v1", lm_model="/its/own/path") == []
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "joe.onnx").touch()
    assert told(tts_model=str(tmp_path / "voice")) == []
    assert told(tts_model=str(tmp_path / "model.gguf")) != []


def test_a_folder_without_its_weights_says_what_is_missing(tmp_path: Path):
    (tmp_path / "config.json").touch()
    assert told(lm_model=str(tmp_path)) == [f"LM_MODEL: got '{tmp_path}', wants a folder with weights"]
    assert told(asr_model=str(tmp_path)) == [
        f"ASR_MODEL: got '{tmp_path}', wants a folder with tokenizer.json, model.bin"
    ]


def test_typing_errors_in_the_file_are_told_with_what_was_meant(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_text("# mine\nLM_QUANTISE=int8\nTELEGRAM_TOKN=42:secret\nexport web_port=1\nMY_OWN_THING=1\n")
    sentences = list(settings_check.unknown(file, {}))
    assert [sentence.removeprefix(f"{file} sets ") for sentence in sentences] == [
        "LM_QUANTISE, which is no setting: did you mean LM_QUANTIZE?",
        "TELEGRAM_TOKN, which is no setting: did you mean TELEGRAM_TOKEN?",
        "MY_OWN_THING, which is no setting",
    ]
    assert "secret" not in "".join(sentences)
    assert list(settings_check.unknown(tmp_path / "none", {})) == []


def test_typing_errors_in_the_environment_are_told_and_what_is_somebody_else_s_is_not(tmp_path: Path):
    environment = {
        "LM_QUANTISE": "int8",
        "telegram_tokn": "42:secret",
        "WEBPORT": "1",
        "DISCORD_TOKENS": "a",
        "DISCORD_TOKEN": "a",
        "LM_URL": "http://127.0.0.1:9",
    } | dict.fromkeys(("PATH", "HOME", "LANG", "LANGUAGE", "OWNER", "MODEL", "LOGNAME", "TZ", "HTTP_PROXY", "PS1"), "x")
    sentences = list(settings_check.unknown(tmp_path / "none", environment))
    assert [sentence.removeprefix("the environment sets ") for sentence in sentences] == [
        "LM_QUANTISE, which is no setting: did you mean LM_QUANTIZE?",
        "telegram_tokn, which is no setting: did you mean TELEGRAM_TOKEN?",
        "WEBPORT, which is no setting: did you mean WEB_PORT?",
    ]


def test_wrong_values_leave_the_others_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    (tmp_path / ".env").write_text("WEB_PORT=http\nLOG_LEVEL=LOUD\nPROFILE=tutor\nTELEGRAM_TOKEN=42:secret\n")
    found, wrong = configuring.read(tmp_path / ".env")
    assert [error.setting for error in wrong] == ["WEB_PORT", "LOG_LEVEL"]
    assert (found.web_port, found.log_level, found.profile) == (8080, "INFO", "tutor")
