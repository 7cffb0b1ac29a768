"""Everything that can go wrong on purpose.

AssistantError
 ├─ UserError        the sender can mend it: one phrase, said to them in their language
 ├─ RetryableError   the same call may work later
 │   ├─ Uncertain    and perhaps it has worked already
 │   └─ TooFast      the platform asks this channel to pause
 ├─ PermanentError   the same call will never work
 │   ├─ ChannelGone  nor will any other into this channel
 │   ├─ ChannelMoved but it will under the channel's new name
 │   └─ VoiceForbidden  a voice note cannot be sent there, anything else can
 └─ SettingError     the owner can mend it: one line that stops the start

Errors of libraries are turned into these where the library is called, and nowhere else.
"""


class AssistantError(Exception):
    """Base of the tree above."""


class UserError(AssistantError):
    """Something the sender did that Parley cannot serve.

    `key` names a phrase in the locale files, `params` fill its blanks.
    """

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


class RetryableError(AssistantError):
    """A call that may work again after `after_s` seconds."""

    def __init__(self, reason: str, after_s: float = 1.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Uncertain(RetryableError):
    """A call whose answer never came: it may have worked, so that trying again may do it twice."""


class TooFast(RetryableError):
    """The platform takes nothing more into this channel for `after_s` seconds."""


class PermanentError(AssistantError):
    """A call that will fail the same way every time."""


class ChannelGone(PermanentError):
    """Nothing can be sent into the channel: the bot was blocked or removed, or the channel is no more."""


class VoiceForbidden(PermanentError):
    """The chat takes no voice notes: its reader, or the group's rules, forbid them."""


class ChannelMoved(PermanentError):
    """The platform calls the channel's space by another name now."""

    def __init__(self, space: str) -> None:
        super().__init__(f"the channel is called {space} now")
        self.space = space


class SettingError(AssistantError):
    """A setting that keeps Parley from starting: which one, what it got, what it wants.

    `got` is shown to the owner, so it is never a secret.
    """

    def __init__(self, setting: str, got: str, wants: str) -> None:
        super().__init__(f"{setting}: got {got}, wants {wants}")
        self.setting = setting
        self.got = got
        self.wants = wants
