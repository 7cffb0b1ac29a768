import asyncio
import ctypes
from collections.abc import Callable, Iterator

import espeakng_loader
import pytest

from core.speech.hearing import Hearing
from core.speech.synthesis import Speaking
from core.speech.transcription import WhisperHearing
from core.speech.verbalizing import in_words
from core.speech.voices.builtin import BuiltinVoice
from core.speech.voices.espeak import Espeak


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("$5 and $5.99, €1 or 20€", "5 dollars and 5.99 dollars, 1 euro or 20 euros"),
        ("£3 million, $5k, ¥2bn", "3 million pounds, 5 thousand dollars, 2 billion yen"),
        ("10 km at 100 km/h, 1 km, 5 kg", "10 kilometers at 100 kilometers per hour, 1 kilometer, 5 kilograms"),
        ("20°C, -5 °C, \u22121°F, 1 m², 1 ft", "20 degrees Celsius, -5 degrees Celsius, -1 degree Fahrenheit, "
         "1 square meter, 1 foot"),
        ("5 m, 5m users, 1990s, 12 h, 5 minutes", "5 meters, 5m users, 1990s, 12 hours, 5 minutes"),
        ("2024-05-01 at 10:30, 2024-13-01", "May 1, 2024 at 10:30, 2024-13-01"),
        ("5 - 3, 3–5, 10-20, 1990-2000, 555-1234", "5 minus 3, 3 to 5, 10 to 20, 1990 to 2000, 555-1234"),
        ("2 * 3 = 6, 2×3, x², 1½", "2 times 3 = 6, 2 times 3, x squared, 1.5"),
        ("a < b, 5 > 3, A → B", "a is less than b, 5 is greater than 3, A to B"),
        ("C# and #1, No. 5, ~5", "C sharp and number 1, number 5, about 5"),
        ("1\u202f000\u202f000 people", "1000000 people"),
    ],
)  # fmt: skip
def test_signs_in_english(written: str, read: str):
    assert in_words(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("花费$5.99，¥100元，20€，¥3万", "花费5.99美元，100元，20欧元，3万元"),
        ("气温20°C，-5℃，10 km，60 km/h", "气温20摄氏度，负5摄氏度，10公里，60公里每小时"),
        ("50%的人，3/4，½", "百分之50的人，4分之3，二分之一"),
        ("2 × 3 = 6，5 - 3，2 + 2，10-20", "2乘以3等于6，5减3，2加2，10到20"),
        ("2024-05-01 10:30，8:00", "2024年5月1日 10点30分，8点"),
        ("a ≤ b，±2，m²，~5，#1，A → B", "a小于等于b，正负2，m平方，约5，第1，A到B"),
    ],
)
def test_signs_in_chinese(written: str, read: str):
    assert in_words(written, "zh") == read


@pytest.mark.parametrize(
    ("written", "language", "read"),
    [
        ("Great job 👍🏽👍🏽! Yes 🎉", "en", "Great job, thumbs up! Yes, party popper"),
        ("👍👍👍 👍", "en", "thumbs up"),
        ("👍🎉", "en", "thumbs up, party popper"),
        ("Hi 👋, Ann ❤️ 🇺🇸", "en", "Hi, waving hand, Ann, red heart, United States"),
        ("1,000 , and 2 🎉", "en", "1,000 , and 2, party popper"),
        ("1️⃣ first 2️⃣ second", "en", "1 first 2 second"),
        ("好的👍👍！谢谢🎉", "zh", "好的，拇指向上！谢谢，拉炮彩带"),
        ("Gut 👍 gemacht", "de", "Gut, daumen hoch, gemacht"),
        ("dobře 👍 ano", "cs", "dobře ano"),
    ],
)
def test_emoji_are_called_by_name_and_a_run_once(written: str, language: str, read: str):
    assert in_words(written, language) == read


@pytest.fixture(scope="module")
def phonemes() -> Callable[[str], str]:
    """How espeak-ng's Mandarin voice says a text."""
    espeak = Espeak()
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p

    def said(text: str) -> str:
        assert espeak.has("cmn+f2")
        rest, found = ctypes.c_char_p(text.encode()), b""
        while rest.value:
            found += library.espeak_TextToPhonemes(ctypes.byref(rest), 1, 2) or b""
        return found.decode()

    return said


@pytest.mark.parametrize(
    "sign", ["$5", "€5", "5%", "20°C", "10 km", "5kg", "3/4", "½", "2 + 2 = 4", "≈5", "~5", "#1", "±2"]
)
def test_mandarin_says_signs_in_mandarin(phonemes: Callable[[str], str], sign: str):
    assert "(en)" not in phonemes(in_words(sign, "zh"))
    assert len(phonemes(in_words(sign, "zh"))) > len(phonemes("5"))


@pytest.fixture(scope="module")
def ears() -> Iterator[Hearing]:
    hearing = WhisperHearing.open(None)
    yield hearing
    asyncio.run(hearing.close())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("What is 8 × 4?", "what is eight times four"),
        ("What is 8 * 4?", "what is eight times four"),
        ("What is 12 - 5?", "what is twelve minus five"),
        ("What is 7 + 3?", "what is seven plus three"),
    ],
)
async def test_sums_are_heard_as_they_were_written(ears: Hearing, written: str, heard: str):
    speaking = Speaking(BuiltinVoice())
    note = await speaking.speak(written, "en")
    await speaking.close()
    assert (await ears.transcribe(note.ogg)).text == heard
