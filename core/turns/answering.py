"""What a message leads to: a reply of the model, what a command does, or one sentence that says why not.

Called by turns, which keep and deliver it.
"""

import asyncio

from core.delivery.live import Showing
from core.errors import RetryableError, UserError
from core.telemetry import TURNS, log
from core.thinking.engine import Engine, is_for_parley
from core.turns.commands import COMMANDS
from core.turns.commands.context import CommandContext, Services
from core.turns.scene import Outcome, Scene
from core.values.events import Message

_LOG = log("answering")
_TRIES = 3
"""Of a message whose answer fails for a reason that nobody foresaw."""
_PATIENCE = 7
"""Tries of a message that a part of the house cannot serve now: about 30 s."""


class Answering:
    """One for all channels."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._replying = services.replying

    async def answer(self, scene: Scene, message: Message, showing: Showing) -> Outcome | None:
        """What a message leads to; None when trying is of no use."""
        platform, claim = message.channel.platform, scene.claim
        try:
            async with self._services.engines.borrow(scene.preferences) as engine:
                return await self._outcome(engine, scene, message, showing)
        except UserError as error:
            TURNS.labels(platform, error.key).inc()
            return self._sorry(scene, message, error.key, **error.params)
        except RetryableError as error:
            if claim.attempts + 1 < _PATIENCE:
                raise
            _LOG.error("%s: turn %s given up: %s", message.channel, message.id, error)
            TURNS.labels(platform, "unavailable").inc()
            return self._sorry(scene, message, "unavailable")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # The one place for what nobody foresaw: the person hears of it, the lane goes on, the log has the rest.
            _LOG.exception("%s: turn %s failed", message.channel, message.id)
            if claim.attempts + 1 < _TRIES:
                raise RetryableError(f"{type(error).__name__} in turn {message.id}", 0.0) from error
            return None

    async def _outcome(self, engine: Engine, scene: Scene, message: Message, showing: Showing) -> Outcome:
        given = COMMANDS.parse(message)
        if given is None:
            reply = await self._replying.think(engine, scene, message, showing)
            return self._replying.replied(scene, message, reply)
        language = self._replying.language(message, scene.preferences)
        return await given.command.handler(
            CommandContext(given, message, scene, engine, showing, language, self._services)
        )

    def _sorry(self, scene: Scene, message: Message, key: str, **params: object) -> Outcome:
        """One sentence; none to people who did not speak to Parley."""
        heeded = is_for_parley(message, scene.preferences)
        return Outcome(None, (self._replying.notice(message, key, scene.preferences, **params),) if heeded else ())
