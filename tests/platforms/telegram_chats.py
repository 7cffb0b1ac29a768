"""What the local Telegram knows beside messages: menus of commands, and who may do what in which chat."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Chats:
    """`menus` maps (scope, language code) to commands; `told` are the calls that changed one.

    `closed` are the people who never opened a chat with the bot, `admins` pairs of chat and person.
    """

    menus: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    admins: set[tuple[int, int]] = field(default_factory=set)

    def answer(self, method: str, fields: Mapping[str, str]) -> Any:
        """The result of one of these methods, None for any other."""
        place = json.loads(fields.get("scope", '{"type": "default"}'))["type"], fields.get("language_code", "")
        match method:
            case "getMyCommands":
                return self.menus.get(place, [])
            case "setMyCommands":
                self.menus[place] = json.loads(fields["commands"])
                self.told.append(place)
                return True
            case "getChatMember":
                return self._member(int(fields["chat_id"]), int(fields["user_id"]))
            case _:
                return None

    def _member(self, chat: int, person: int) -> Json:
        user = {"id": person, "is_bot": False, "first_name": "x"}
        if (chat, person) in self.admins:
            return {"status": "creator", "user": user, "is_anonymous": False}
        return {"status": "member", "user": user}
