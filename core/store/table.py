"""The one table of everything Parley keeps in Redis.

Retention walks it; forgetting and exporting walk `people`, `channels` and `ids`.
"""

from dataclasses import dataclass

from core.store import keys


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
    Kind("later", "zset", "events that are due later -> when (ms)", None, personal=False),
    Kind("workers", "zset", "processes that answer -> when they were last heard of (s)", None, personal=False),
    Kind("checked", "string", "nothing: written to see whether Redis takes it", keys.CHECKED_S, personal=False),
    Kind("swept", "string", "nothing: a process has looked for what is too old", keys.SWEPT_S, personal=False),
    Kind("listen", "string", "the process that listens with a token", 6, personal=False),
    Kind("heard", "hash", "Discord channel -> the last message heard there, and when", None, personal=True),
    Kind("access", "hash", "people and groups that an owner let in, and who asked for it", None, personal=True),
    Kind("waiting", "hash", "strangers who were told a code, or that they have no access", keys.DAY_S, personal=True),
    Kind("tries", "string", "how many wrong codes were tried", 3600, personal=False),
    Kind("quota", "string", "what a person or a channel has used of a quota", keys.DAY_S, personal=True),
    Kind(
        "counted", "string", "event ids that were counted in the messages of a minute", keys.COUNTED_S, personal=False
    ),
    Kind("quotatold", "string", "that a person or a channel was told of a quota", keys.DAY_S, personal=True),
    Kind("menu", "string", "a digest of the commands that Discord holds for a bot", None, personal=False),
    Kind(
        "lane",
        "hash",
        "how often a lane was claimed, by whom, and what its owner was about and heard",
        None,
        personal=True,
    ),
    Kind("seen", "string", "event ids that were accepted", keys.SEEN_S, personal=False),
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
        keys.REF_S,
        personal=True,
    ),
    Kind("erased", "hash", "how much a wish to be forgotten has erased here so far", keys.DAY_S, personal=False),
    Kind("indexed", "string", "nothing: the three before this hold what an older version kept", None, personal=False),
    Kind("in", "list", "events accepted and not yet answered", None, personal=True),
    Kind("planned", "hash", "id -> event that is due later", None, personal=True),
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
    Kind("ref", "string", "which turn a sent part belongs to", keys.REF_S, personal=True),
    Kind("awaited", "list", "reactions that are planned until their part is recorded", keys.AWAITED_S, personal=False),
    Kind(
        "parked", "list", "the same of an earlier version, which kept the reactions here", keys.AWAITED_S, personal=True
    ),
    Kind("shown", "list", "the platform ids of a turn's parts, in order", keys.REF_S, personal=True),
    Kind("fb", "hash", "turn and person -> the emoji they hold on it", None, personal=True),
    Kind("pace", "string", "when a budget of sends would be unused again (ms)", keys.DAY_S, personal=False),
    Kind("voiceless", "string", "a chat that takes no voice notes", keys.VOICELESS_S, personal=True),
    Kind("upload", "string", "a file sent through the web page", keys.UPLOAD_S, personal=True),
    Kind(
        "uploads", "hash", "hour -> bytes of the files that were sent through the web page then", None, personal=False
    ),
    Kind("consent", "string", "whether a person's words may improve the model, and since when", None, personal=True),
    Kind("file", "string", "a file for the web page, such as an export", keys.FILE_S, personal=True),
    Kind("answer", "string", "the last answer to a web request, for its retry", keys.ANSWER_S, personal=True),
    Kind("voice", "string", "a spoken answer for the web page", keys.VOICE_S, personal=True),
)
