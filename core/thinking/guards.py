"""What stands before and after the model: dangers, exact things, Parley's own page, manners, recall; then the model;
then whether what the built-in one says may be shown.

Dangers and exact things come before every model. The rest is for the built-in one, which only talks: one that can be
given tasks gets Parley's page as notes instead.
"""

from dataclasses import dataclass
from datetime import datetime

from core import tools
from core.thinking import about, copying, dangers, manners, recalling, wording
from core.thinking.moment import Moment

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

    def before(self, moment: Moment, *, instructable: bool) -> str:
        """The answer that needs no model, "" where the model is to answer."""
        if danger := dangers.recognised(moment.text):
            return dangers.answer(danger, country=self.country, language=_tag(moment.answer_in))
        if exact := tools.answer(moment.text, self.local_time(moment), chinese=moment.chinese):
            return exact
        if instructable:
            return ""
        if page := about.found(moment):
            return page
        if told := manners.answer(moment):
            return told
        if name := recalling.tells_name(moment.text):
            return manners.said("name", moment).format(name=name)
        return recalling.answer(moment)

    def local_time(self, moment: Moment) -> datetime:
        """When it is, where the people are."""
        return tools.local_time(moment.at, self.zone)

    def notes(self, moment: Moment) -> tuple[str, ...]:
        """What a model that can be given tasks is shown beside the message: Parley's page, where it is asked for."""
        page = about.found(moment)
        return (page,) if page else ()

    def after(self, reply: str, moment: Moment) -> str:
        """What is shown of the built-in model's reply: itself, or an honest sentence in its place."""
        fault = copying.fault(reply, moment)
        if fault == "unsure" and wording.asks(moment.text):
            return manners.said("unsure", moment)
        if fault is not None:
            return manners.not_understood(moment)
        return copying.crossed(reply, chinese=moment.chinese) or reply


def _tag(language: str) -> str:
    """A fixed language as the dangers' files are named."""
    base = language.split("-")[0]
    return "zh-Hans" if base == "zh" else base
