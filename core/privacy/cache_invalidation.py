"""What a channel forgets is dropped by every process that holds something of it: computed keys and values, files.

Pub/sub promises nothing, so a process that was cut off drops what it holds of all channels when it hears again.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from core.errors import RetryableError
from core.store import keys
from core.store.redis import Store, translated
from core.telemetry import log
from core.values.channel import ChannelKey

_LOG = log("invalidation")
_AGAIN_S = 1.0

Drop = Callable[[ChannelKey | None], None]
"""Drops what is held of a channel, soon; of all channels for None."""


class Invalidation:
    """One a process; `listen` must run beside the workers."""

    def __init__(self, store: Store, drops: Sequence[Drop]) -> None:
        self._redis = store.redis
        self._drops = drops

    async def tell(self, channel: ChannelKey) -> None:
        """Have everybody drop what they hold of a channel: this process at once, the others in a moment."""
        self._drop(channel)
        try:
            with translated():
                await self._redis.publish(keys.FORGOTTEN, str(channel))
        except RetryableError as error:
            _LOG.warning("%s: others drop it when they hear again: %s", channel, error)

    async def listen(self) -> None:
        """Drop what others tell of, until cancelled; survives a Redis that goes away."""
        again = False
        while True:
            try:
                with translated():
                    async with self._redis.pubsub() as subscription:
                        await subscription.subscribe(keys.FORGOTTEN)
                        while True:
                            with translated():
                                message = await subscription.get_message(timeout=60)
                            if message is None:
                                continue
                            if message["type"] == "message":
                                self._drop(ChannelKey.parse(cast(bytes, message["data"]).decode()))
                            elif again:  # the client connects anew by itself
                                self._drop(None)
                            again = True
            except RetryableError as error:
                _LOG.warning("not hearing what is forgotten: %s", error)
                await asyncio.sleep(_AGAIN_S)

    def _drop(self, channel: ChannelKey | None) -> None:
        for drop in self._drops:
            drop(channel)
