"""What of a model of Llama's kind is neither weights nor words: with it one is opened without transformers.

transformers takes as long to import as everything else of a start together, so a model that was packed, and the one
that ships, say here what its classes would have known.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from core.lm.local.sampling import Generation

FILE = "blueprint.json"


@dataclass(frozen=True, slots=True)
class Layers:
    """How the layers compute: `count` of them, each the same.

    `scaling` is of attention's products, `eps` and `gain_offset` are the norms' (Gemma's multiply by their weight and
    one), `angles` are radians a position for half a head, `angle_scaling` is of their cosines, and `embedding_scale` is
    what words are multiplied by (Gemma's).
    """

    count: int
    heads: int
    kv_heads: int
    head_dim: int
    head_norms: bool
    scaling: float
    eps: float
    gain_offset: float
    activation: str
    angles: tuple[float, ...]
    angle_scaling: float
    embedding_scale: float


MOST_TOKENS = 1 << 30


@dataclass(frozen=True, slots=True)
class Chat:
    """How a chat is spelt: the Jinja template, the tokens that it knows by name, the most tokens of one."""

    template: str
    named: dict[str, str]
    most_tokens: int = MOST_TOKENS


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All of it. `context_tokens` are the positions that the model knows."""

    layers: Layers
    chat: Chat
    generation: Generation
    context_tokens: int

    def save(self, folder: Path) -> None:
        """Write it beside the weights."""
        (folder / FILE).write_bytes(_FORM.dump_json(self, indent=1))

    @classmethod
    def open(cls, folder: Path) -> "Blueprint":
        """What lies beside the weights; OSError where nothing does, ValueError where something else does."""
        return _FORM.validate_json((folder / FILE).read_bytes())


_FORM = TypeAdapter(Blueprint)
