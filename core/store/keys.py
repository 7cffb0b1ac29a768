"""The one table of everything Parley keeps in Redis.

All keys of one space (a Telegram chat, a Discord channel, a web channel) carry the hash tag of its partition, so that
every script touches one slot of a Redis Cluster. `TABLE` is what retention walks; forgetting and exporting walk
`people`, `channels` and `ids`.
"""

from binascii import crc32
from dataclasses import dataclass

from core.values.channel import ChannelKey, PlatformName

PARTITIONS = 64
DAY_S = 86_400
SEEN_S = 2 * DAY_S
UPLOAD_S = 2 * DAY_S
ANSWER_S = 2 * DAY_S
VOICE_S = 30 * DAY_S
FILE_S = 3_600
REF_S = 30 * DAY_S
PARKED_S = 60
CHECKED_S = 60
COUNTED_S = 3_600
SWEPT_S = 3_600
VOICELESS_S = DAY_S
WAKE = "parley:wake"
"""Pub/sub channel that carries `partition platform` of each lane that became due."""
FORGOTTEN = "parley:forgotten"
"""Pub/sub channel that carries each channel of which something was forgotten."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: what a key of this kind holds. `lifetime_s` None: as long as the conversation."""

    name: str
    redis_type: str
    holds: str
    lifetime_s: int | None
    personal: bool


TABLE = (
    Kind("ready", "zset", "lanes with work -> when each may next be claimed (ms)", None, personal=False),
    Kind("workers", "zset", "processes that answer -> when they were last heard of (s)", None, personal=False),
    Kind("checked", "string", "nothing: written to see whether Redis takes it", CHECKED_S, personal=False),
    Kind("swept", "string", "nothing: a process has looked for what is too old", SWEPT_S, personal=False),
    Kind("listen", "string", "the process that listens with a token", 6, personal=False),
    Kind("heard", "hash", "Discord channel -> the last message heard there, and when", None, personal=True),
    Kind("access", "hash", "people and groups that an owner let in, and who asked for it", None, personal=True),
    Kind("waiting", "hash", "strangers who were told a code, or that they have no access", DAY_S, personal=True),
    Kind("tries", "string", "how many wrong codes were tried", 3600, personal=False),
    Kind("quota", "string", "what a person or a channel has used of a quota", DAY_S, personal=True),
    Kind("counted", "string", "event ids that were counted in the messages of a minute", COUNTED_S, personal=False),
    Kind("quotatold", "string", "that a person or a channel was told of a quota", DAY_S, personal=True),
    Kind("menu", "string", "a digest of the commands that Discord holds for a bot", None, personal=False),
    Kind(
        "lane",
        "hash",
        "how often a lane was claimed, by whom, and what its owner was about and heard",
        None,
        personal=True,
    ),
    Kind("seen", "string", "event ids that were accepted", SEEN_S, personal=False),
    Kind(
        "people",
        "zset",
        "people of whom a channel may keep something -> when they were last there (ms)",
        None,
        personal=True,
    ),
    Kind("channels", "zset", "the same by person: channels of one partition", None, personal=True),
    Kind(
        "ids",
        "zset",
        "turns and parts of a channel that have keys of their own -> until when (ms)",
        REF_S,
        personal=True,
    ),
    Kind("erased", "hash", "how much a wish to be forgotten has erased here so far", DAY_S, personal=False),
    Kind("indexed", "string", "nothing: the three before this hold what an older version kept", None, personal=False),
    Kind("in", "list", "events accepted and not yet answered", None, personal=True),
    Kind("out", "list", "parts of answers not yet sent", None, personal=True),
    Kind("dlg", "string", "the dialogue", None, personal=True),
    Kind("prefs", "string", "how the channel wants Parley to be", None, personal=False),
    Kind(
        "dead",
        "list",
        "`kind@time:` (s) and what could not be read or answered",
        None,
        personal=True,
    ),
    Kind("ref", "string", "which turn a sent part belongs to", REF_S, personal=True),
    Kind("parked", "list", "reactions that came before their part was recorded", PARKED_S, personal=True),
    Kind("shown", "list", "the platform ids of a turn's parts, in order", REF_S, personal=True),
    Kind("fb", "hash", "turn and person -> the emoji they hold on it", None, personal=True),
    Kind("pace", "string", "when a budget of sends would be unused again (ms)", DAY_S, personal=False),
    Kind("voiceless", "string", "a chat that takes no voice notes", VOICELESS_S, personal=True),
    Kind("upload", "string", "a file sent through the web page", UPLOAD_S, personal=True),
    Kind(
        "uploads", "hash", "hour -> bytes of the files that were sent through the web page then", None, personal=False
    ),
    Kind("consent", "string", "whether a person's words may improve the model, and since when", None, personal=True),
    Kind("file", "string", "a file for the web page, such as an export", FILE_S, personal=True),
    Kind("answer", "string", "the last answer to a web request, for its retry", ANSWER_S, personal=True),
    Kind("voice", "string", "a spoken answer for the web page", VOICE_S, personal=True),
)


def partition(channel: ChannelKey) -> int:
    """The partition of a channel's space, 0 to PARTITIONS - 1."""
    return crc32(f"{channel.platform}/{channel.space}".encode()) % PARTITIONS


def prefix(part: int) -> str:
    """What every key of a partition begins with."""
    return f"parley:{{{part}}}:"


def ready(part: int, platform: PlatformName) -> str:
    """Platforms have queues of their own: a worker only claims what it can send."""
    return f"{prefix(part)}ready:{platform}"


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


def quota() -> str:
    """What the keys of all quotas begin with."""
    return f"{prefix(0)}quota"


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
    """Key of one kind for a whole channel: in, out, dlg, prefs, lane, dead, fb, people, ids."""
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
