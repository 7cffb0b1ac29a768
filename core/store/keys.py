"""How everything that Parley keeps in Redis is named, and for how long it is kept; `table` tells what it holds.

All keys of one space (a Telegram chat, a Discord channel, a web channel) carry the hash tag of its partition, so that
every script touches one slot of a Redis Cluster.
"""

from binascii import crc32

from core.values.channel import ChannelKey, PlatformName

PARTITIONS = 64
DAY_S = 86_400
SEEN_S = 2 * DAY_S
UPLOAD_S = 2 * DAY_S
ANSWER_S = 2 * DAY_S
VOICE_S = 30 * DAY_S
FILE_S = 3_600
REF_S = 30 * DAY_S
AWAITED_S = 60
CHECKED_S = 60
COUNTED_S = 3_600
SWEPT_S = 3_600
VOICELESS_S = DAY_S
WAKE = "parley:wake"
"""Pub/sub channel that carries `partition platform` of each lane that became due."""
LATER = "parley:later"
"""Pub/sub channel that carries `partition platform ms` of each event that is planned: in how many milliseconds."""
FORGOTTEN = "parley:forgotten"
"""Pub/sub channel that carries each channel of which something was forgotten."""


def partition(channel: ChannelKey) -> int:
    """The partition of a channel's space, 0 to PARTITIONS - 1."""
    return crc32(f"{channel.platform}/{channel.space}".encode()) % PARTITIONS


def prefix(part: int) -> str:
    """What every key of a partition begins with."""
    return f"parley:{{{part}}}:"


def ready(part: int, platform: PlatformName) -> str:
    """Platforms have queues of their own: a worker only claims what it can send."""
    return f"{prefix(part)}ready:{platform}"


def later(part: int, platform: PlatformName) -> str:
    """Beside `ready`: what comes into its lanes when it is due."""
    return f"{prefix(part)}later:{platform}"


def due(channel: ChannelKey, event_id: str) -> str:
    """Member of `later` for one planned event."""
    return f"{channel}\t{event_id}"


def workers() -> str:
    """One list for all partitions."""
    return f"{prefix(0)}workers"


def checked() -> str:
    """Of all processes."""
    return f"{prefix(0)}checked"


def swept() -> str:
    """Of all processes."""
    return f"{prefix(0)}swept"


def listening(account: str) -> str:
    """Whose turn it is to listen with one token."""
    return f"{prefix(0)}listen:{account}"


def heard(account: str) -> str:
    """Of one bot."""
    return f"{prefix(0)}heard:{account}"


def menu(account: str) -> str:
    """Of one bot."""
    return f"{prefix(0)}menu:{account}"


def access() -> str:
    """Of all bots."""
    return f"{prefix(0)}access"


def waiting() -> str:
    """Beside `access`."""
    return f"{prefix(0)}waiting"


def pairing_tries() -> str:
    """Beside `access`."""
    return f"{prefix(0)}tries"


def quota(window: str) -> str:
    """What is used in one window of a quota."""
    return f"{prefix(0)}quota:{window}"


def quota_told(quota: str) -> str:
    """Beside `quota`."""
    return f"{prefix(0)}quotatold:{quota}"


def counted(channel: ChannelKey, event_id: str) -> str:
    """As `seen`, of what may not have been stored."""
    return f"{prefix(partition(channel))}counted:{channel.platform}/{event_id}"


def bell(channel: ChannelKey) -> str:
    """What is published on WAKE for a channel."""
    return f"{partition(channel)} {channel.platform}"


def of_channel(kind: str, channel: ChannelKey) -> str:
    """Key of one kind for a whole channel: in, planned, out, dlg, prefs, lane, dead, fb, people, ids."""
    return f"{prefix(partition(channel))}{kind}:{channel}"


def of_person(kind: str, platform: PlatformName, person: str) -> str:
    """Key of one kind for a person on a platform, wherever they write: consent."""
    name = f"{platform}/{person}"
    return f"{prefix(crc32(name.encode()) % PARTITIONS)}{kind}:{name}"


def channels(part: int, platform: PlatformName, person: str) -> str:
    """Where a person was, in one partition: beside these channels, so that one script writes both."""
    return f"{prefix(part)}channels:{platform}/{person}"


def indexed() -> str:
    """Of all processes."""
    return f"{prefix(0)}indexed"


def named(key: str) -> tuple[str, str]:
    """The kind of a key and what follows it: the channel, or what it is named after."""
    kind, _, rest = key.partition("}:")[2].partition(":")
    return kind, rest


def seen(channel: ChannelKey, event_id: str) -> str:
    """Event ids are unique on a platform."""
    return f"{prefix(partition(channel))}seen:{channel.platform}/{event_id}"


def ref(channel: ChannelKey, platform_ref: str) -> str:
    """Shared by all threads of a space, because a Telegram reaction does not say its topic."""
    return f"{prefix(partition(channel))}ref:{channel.platform}/{channel.space}/{platform_ref}"


def awaited(channel: ChannelKey, platform_ref: str) -> str:
    """Beside `ref`."""
    return f"{prefix(partition(channel))}awaited:{channel.platform}/{channel.space}/{platform_ref}"


def parked(channel: ChannelKey, platform_ref: str) -> str:
    """Beside `ref`."""
    return f"{prefix(partition(channel))}parked:{channel.platform}/{channel.space}/{platform_ref}"


def of_turn(kind: str, channel: ChannelKey, turn: str) -> str:
    """Key of one kind for one turn of a channel: shown, upload, voice, answer, file; erased for a wish anywhere."""
    return f"{of_channel(kind, channel)}/{turn}"


def shown(channel: ChannelKey, turn: str) -> str:
    """The parts of one turn."""
    return of_turn("shown", channel, turn)


def pace(channel: ChannelKey, budget: str) -> str:
    """A budget of sends: a space's own, or one that all of a platform share."""
    if budget:
        return f"{prefix(0)}pace:{channel.platform}/{budget}"
    return f"{prefix(partition(channel))}pace:{channel.platform}/{channel.space}"


def voiceless(channel: ChannelKey) -> str:
    """Shared by all threads of a space."""
    return f"{prefix(partition(channel))}voiceless:{channel.platform}/{channel.space}"


def upload(channel: ChannelKey, upload_id: str) -> str:
    """One file that came through the web page."""
    return of_turn("upload", channel, upload_id)


def uploads() -> str:
    """Of all channels."""
    return f"{prefix(0)}uploads"


def voice(channel: ChannelKey, turn: str) -> str:
    """The voice note of one turn."""
    return of_turn("voice", channel, turn)


def answer(channel: ChannelKey, turn: str) -> str:
    """What a web request was answered."""
    return of_turn("answer", channel, turn)


def file(channel: ChannelKey, turn: str) -> str:
    """The file that one turn was answered with."""
    return of_turn("file", channel, turn)


def wire(channel: ChannelKey) -> str:
    """Pub/sub channel of one web channel's live events."""
    return f"parley:wire:{channel}"


def wired(name: str) -> ChannelKey:
    """The channel of `wire`."""
    return ChannelKey.parse(name.removeprefix("parley:wire:"))
