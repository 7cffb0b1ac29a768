"""How a channel wants Parley to be, for the page's pickers and for other programs."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from bots.web.failures import WebError
from core import reading
from core.channels import Channels
from core.errors import UserError
from core.message import ChannelKey
from core.preferences import Preferences, VoiceMode

Channel = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="A conversation; you choose its name.")]


class ChoicesOut(BaseModel):
    """What a channel prefers: when answers are spoken, and their language ("" for that of each message)."""

    voice: VoiceMode
    language: str


class ChoicesIn(BaseModel):
    """What to change; what is left out stays."""

    voice: VoiceMode | None = None
    language: str | None = Field(None, max_length=35, description="A BCP 47 tag, or an empty text for each message's.")


class Choices:
    """The routes of a channel's preferences."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    def router(self) -> APIRouter:
        """All routes."""
        router = APIRouter(prefix="/v1/channels/{channel}/preferences", tags=["chat"])
        router.add_api_route("", self.read, methods=["GET"])
        router.add_api_route("", self.change, methods=["PATCH"])
        return router

    async def read(self, channel: Channel) -> ChoicesOut:
        """Read what a channel prefers."""
        return _shown(await self._channels.preferences(ChannelKey("web", channel)))

    async def change(self, channel: Channel, wanted: ChoicesIn) -> ChoicesOut:
        """Change what a channel prefers; the next answer follows it."""
        key = ChannelKey("web", channel)
        chosen = await self._channels.preferences(key)
        if wanted.voice is not None:
            chosen = replace(chosen, voice=wanted.voice)
        if wanted.language is not None:
            chosen = replace(chosen, language=_tag(wanted.language))
        await self._channels.prefer(key, chosen)
        return _shown(chosen)


def _tag(typed: str) -> str:
    try:
        return reading.language_tag(typed) if typed else ""
    except UserError as error:
        raise WebError(422, error.key, **error.params) from error


def _shown(chosen: Preferences) -> ChoicesOut:
    return ChoicesOut(voice=chosen.voice, language=chosen.language)
