"""How a channel wants Parley to be, for the page's pickers and for other programs."""

import asyncio
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from bots.web.failures import WebError
from bots.web.pages import Models
from core.errors import UserError
from core.store.preferences import PreferenceStore
from core.text.language import language_tag
from core.values.channel import ChannelKey
from core.values.preferences import Preferences, VoiceMode

Channel = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="A conversation; you choose its name.")]


class ChoicesOut(BaseModel):
    """What a channel prefers: when answers are spoken, their language ("" for that of each message), and which
    language model answers ("" for the one that answers everywhere).
    """

    voice: VoiceMode
    language: str
    model: str


class ChoicesIn(BaseModel):
    """What to change; what is left out stays."""

    voice: VoiceMode | None = None
    language: str | None = Field(None, max_length=35, description="A BCP 47 tag, or an empty text for each message's.")
    model: str | None = Field(None, max_length=200, description="One of /v1/models' choices, empty for the usual one.")


class Choices:
    """The routes of a channel's preferences."""

    def __init__(self, channels: PreferenceStore, models: Models, *, own_page: bool) -> None:
        """`own_page`: the page is for this machine alone, so that whoever is there may choose the model."""
        self._channels = channels
        self._models = models
        self._own_page = own_page

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
        voice = wanted.voice
        language = None if wanted.language is None else _tag(wanted.language)
        model = None if wanted.model is None else await self._model(wanted.model)

        def choose(kept: Preferences) -> Preferences:
            return replace(
                kept,
                voice=kept.voice if voice is None else voice,
                language=kept.language if language is None else language,
                model=kept.model if model is None else model,
            )

        return _shown(await self._channels.change(ChannelKey("web", channel), choose))

    async def _model(self, wanted: str) -> str:
        if not self._own_page:
            raise WebError(403, "only_owners_choose")
        known = (await asyncio.to_thread(self._models)).choices
        if wanted and wanted not in known:
            raise WebError(422, "model_unknown", choices=", ".join(known))
        return wanted


def _tag(typed: str) -> str:
    try:
        return language_tag(typed) if typed else ""
    except UserError as error:
        raise WebError(422, error.key, **error.params) from error


def _shown(chosen: Preferences) -> ChoicesOut:
    return ChoicesOut(voice=chosen.voice, language=chosen.language, model=chosen.model)
