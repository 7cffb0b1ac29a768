"""What is said, and what the guards know around it."""

import re
from dataclasses import dataclass

from core.values.dialogue import Dialogue

_HAN, _KANA = re.compile("[\u3400-\u9fff]"), re.compile("[\u3040-\u30ff]")


@dataclass(frozen=True, slots=True)
class Moment:
    """A message to be answered: clean words and their language (BCP 47), who says them, the conversation so far.

    `at` is in seconds since the epoch. `answer_in` is the language that the channel fixed, "" for none. `owner`: those
    who read the answer are Parley's owners alone, so that it may name settings. `beside`: what else a mind is shown.
    """

    text: str
    language: str
    dialogue: Dialogue
    at: float
    person: str = ""
    speaker: str = ""
    answer_in: str = ""
    owner: bool = False
    beside: str = ""

    @property
    def chinese(self) -> bool:
        """Whether to answer in Chinese."""
        if self.answer_in:
            return self.answer_in.split("-")[0] == "zh"
        return self.language.split("-")[0] == "zh" or bool(_HAN.search(self.text) and not _KANA.search(self.text))
