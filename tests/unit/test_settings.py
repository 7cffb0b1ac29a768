from pathlib import Path

import pytest

from core import settings
from core.errors import SettingError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch):
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def load(tmp_path: Path, text: str) -> settings.Settings:
    (tmp_path / ".env").write_text(text)
    return settings.load(tmp_path / ".env")


def test_nothing_set_is_the_web_page_alone(tmp_path: Path):
    found = load(tmp_path, "")
    assert (found.web_host, found.web_port, found.redis_url, found.secrets()) == ("127.0.0.1", 8080, "", ())


def test_the_environment_goes_before_the_file_and_empty_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEB_PORT", "9000")
    assert load(tmp_path, "WEB_PORT=9001\nLM_URL=\n").web_port == 9000


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("WEB_PORT=http", "WEB_PORT: got 'http', wants "),
        ("WEB_PORT=99999", "WEB_PORT: got '99999', wants less than or equal to 65535"),
        ("LM_URL=localhost:8000", "LM_URL: got 'localhost:8000', wants an address such as http://"),
        ("REDIS_URL=localhost", "REDIS_URL: got 'localhost', wants an address such as redis://"),
        ("DISCORD_GATEWAY=https://x", "DISCORD_GATEWAY: got 'https://x', wants an address such as wss://"),
        ("LOG_LEVEL=LOUD", "LOG_LEVEL: got 'LOUD', wants 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_wrong_value_is_one_line(tmp_path: Path, line: str, says: str):
    with pytest.raises(SettingError) as caught:
        load(tmp_path, line)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_secrets_do_not_print(tmp_path: Path):
    found = load(tmp_path, "TELEGRAM_TOKEN=42:secret\nWEB_TOKEN=hush\nTTS_API_KEY=quiet\n")
    assert "secret" not in repr(found)
    assert "hush" not in repr(found)
    assert "quiet" not in repr(found)
    assert found.secrets() == ("42:secret", "quiet", "hush")


def test_the_example_file_holds_every_setting():
    assert (ROOT / ".env.example").read_text("utf-8") == settings.example()
