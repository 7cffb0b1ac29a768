"""What stands before and after the model: dangers, exact things, Parley's own page, manners, recall; then the model;
then whether what it says may be shown.

Dangers, exact things, Parley's page and the person's own name come before every model; manners and recall before the
built-in one, which only talks, and of which nothing is shown but its own sentences. Of the others no echo is shown.
Before small ones stand feelings, what was told, and what nobody here can see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core import tools
from core.thinking import about, calendar, copying, dangers, manners, own_name, recalling, retelling, unseen, wording
from core.thinking.echoing import Echo
from core.thinking.moment import Moment
from core.values.passages import Passage

NAME = "parley"
"""Whose answers these are, where an answer names its model."""


@dataclass(frozen=True, slots=True)
class Guards:
    """`country`: whose emergency numbers are told (ISO 3166, "": those that work widely). `zone`: the people's time
    zone (IANA, "": this machine's).
    """

    country: str = ""
    zone: str = ""

    def urgent(self, moment: Moment) -> bool:
        """Whether somebody may be in danger, so that even what was hardly heard is answered at once."""
        return dangers.recognised(moment.text) is not None

    def before(self, moment: Moment, *, instructable: bool, small: bool = False) -> str:
        """The answer that needs no model, "" where the model is to answer; `small` ones answer feelings badly."""
        if danger := dangers.recognised(moment.text):
            return dangers.answer(danger, country=self.country, language=_tag(moment.answer_in))
        if exact := tools.answer(moment.text, self.local_time(moment), chinese=moment.chinese, before=_before(moment)):
            return exact
        if day := "" if moment.answer_in else calendar.answer(moment.text, self.local_time(moment)):
            return day
        if own_name.is_asked(moment):
            return own_name.answer(moment) or ("" if instructable else recalling.answer(moment))
        if page := self._page(moment):
            return page
        if (small or not instructable) and self._speaks(moment) and (honest := unseen.answer(moment)):
            return honest
        if instructable:
            return _for_small(moment) if small else ""
        if told := manners.answer(moment):
            return told
        if name := recalling.tells_name(moment.text):
            return manners.said("name", moment).format(name=name)
        return recalling.answer(moment) or retelling.answer(moment)

    def local_time(self, moment: Moment) -> datetime:
        """When it is, where the people are."""
        return tools.local_time(moment.at, self.zone)

    def passages(self, moment: Moment) -> tuple[Passage, ...]:
        """What a model that can be given tasks is shown beside the message: the page, in languages that it lacks."""
        page = about.found(moment)
        return (page,) if page else ()

    def echo(self, moment: Moment) -> Echo:
        """What an answer must not be."""
        return Echo(moment)

    def kept(self, reply: str, echo: Echo) -> str:
        """What is shown of a mind's reply: itself, or the person's words, quoted, where it tells them as its own; ""
        where it only repeats, so that it should be asked once more.
        """
        if echo.repeats(reply):
            return ""
        return (echo.speaks_as_person(reply) and recalling.quoted(echo.moment)) or reply

    def instead(self, moment: Moment) -> str:
        """What is shown where a mind only repeats, even asked once more."""
        if fitting := recalling.quoted(moment) or manners.answer(moment):
            return fitting
        return manners.said("no_answer" if wording.asks(moment.text) else "told", moment)

    def after(self, reply: str, moment: Moment, passages: Sequence[Passage] = ()) -> str:
        """What is shown of the built-in model's reply: itself, or an honest sentence in its place."""
        fault = copying.fault(reply, moment, [passage.text for passage in passages])
        if fault == "unsure" and wording.asks(moment.text):
            return manners.said("unsure", moment)
        if fault is not None:
            return manners.not_understood(moment)
        return copying.crossed(reply, chinese=moment.chinese) or reply

    def _page(self, moment: Moment) -> str:
        """Parley's page word for word, which no model tells as well; "" in languages that it lacks."""
        page = about.found(moment) if self._speaks(moment) else None
        return page.text if page else ""

    def _speaks(self, moment: Moment) -> bool:
        return moment.answer_in.split("-")[0] in ("", *about.LANGUAGES)


def _before(moment: Moment) -> str:
    """What the same person said last."""
    last = moment.dialogue.turns[-1] if moment.dialogue.turns else None
    return last.said if last and last.person == moment.person and last.forwarded is None else ""


def _for_small(moment: Moment) -> str:
    """What half a billion parameters do worse than rules: feelings, what the person told, who said what in a group."""
    if told := manners.felt(moment):
        return told
    if recalling.asks_own_name(wording.folded(moment.text)):
        return ""  # less than certain, else `own_name` had told it
    return recalling.quoted(moment) or (retelling.answer(moment) if moment.speaker else "")


def _tag(language: str) -> str:
    """A fixed language as the dangers' files are named."""
    base = language.split("-")[0]
    return "zh-Hans" if base == "zh" else base
