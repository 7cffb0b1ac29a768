"""What a channel prefers is changed from two sides at once: the page's pickers and the chat's commands."""

import asyncio
from dataclasses import replace
from typing import Any

from core.store.preferences import PreferenceStore
from core.store.redis import Store
from core.values.channel import ChannelKey
from core.values.preferences import Preferences

HERE = ChannelKey("web", "room")


async def test_changes_beside_each_other_are_all_kept(store: Store):
    wanted: dict[str, Any] = {
        "voice": "always",
        "language": "fr",
        "answers": "everything",
        "thumbs": True,
        "model": "m",
        "persona": "p",
    }

    async def change(name: str, value: object) -> None:
        await PreferenceStore(store).change(HERE, lambda kept: replace(kept, **{name: value}))

    await asyncio.gather(*(change(name, value) for name, value in wanted.items() for _ in range(5)))
    assert await PreferenceStore(store).preferences(HERE) == Preferences(**wanted)


async def test_the_change_is_made_to_what_is_kept_by_then(store: Store):
    channels = PreferenceStore(store)
    await channels.change(HERE, lambda kept: replace(kept, voice="never"))
    assert (await channels.change(HERE, lambda kept: replace(kept, language="de"))).voice == "never"
