"""Opens a model from the shipped weights, a folder or a GGUF file, and says in one line what keeps it from opening."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import SafetensorError

from core.errors import SettingError
from core.lm.base import Utterance
from core.lm.local import packs
from core.lm.local.attention import Unservable
from core.lm.local.blueprint import Blueprint
from core.lm.local.decoder import Decoder
from core.lm.local.packed import FullWeights, Int8Weights, open_packed
from core.lm.local.packs import Progress, Unreadable, gguf_of
from core.lm.local.prepacking import Prepacking
from core.lm.local.quantization import Quantize
from core.lm.local.sampling import Generation
from core.lm.local.slots import common_prefix
from core.lm.local.spelling import detokenizing
from core.lm.local.tokenizer import Tokenizer, without_system
from core.lm.special_tokens import Pattern, defused, pattern
from core.lm.stopping import ByteDetokenizer, IncrementalDetokenizer
from core.models import machine
from core.telemetry import log

SHIPPED = Path(__file__).parents[2] / "shipped" / "chat" / "weights"
SHIPPED_NAME = "parley-small"
_ONE_THREAD_BYTES = 64 << 20
"""In smaller models threads wait for each other longer than they work, and much longer on a machine that is busy."""
THREADS = torch.get_num_threads()
_LOG = log("lm")


@dataclass(frozen=True)
class LoadedModel:
    """A model as it is stored: transformers' own object in `model`, or already over slots in `decoder`.

    With `int8` it is yet to be brought to that. `lent` is a folder that it needs while it is held. `revision` tells its
    weights and their form from others.
    """

    name: str
    tokenizer: Tokenizer
    generation: Generation
    context_tokens: int
    model: Any = None
    decoder: Decoder | None = None
    int8: bool = False
    lent: Any = None
    revision: str = ""

    @property
    def weights(self) -> torch.nn.Module:
        """The module that holds its weights."""
        return self.decoder.net.weights if self.decoder else self.model

    @property
    def threads(self) -> int:
        """On how many threads it computes."""
        return 1 if sum(each.numel() * 4 for each in self.weights.parameters()) < _ONE_THREAD_BYTES else THREADS

    @cached_property
    def markers(self) -> Pattern:
        """What the tokenizer would read as the frame of a chat."""
        return pattern(self.tokenizer.special.values())

    @property
    def longest(self) -> int:
        """The most tokens that the model's own settings let it answer."""
        return self.generation.max_new_tokens or self.context_tokens

    def encode_with_system(self, utterances: Sequence[Utterance]) -> tuple[list[int], int]:
        """Token ids as `encode` gives them, and how many of the first are the system words', whatever follows them."""
        ids = self.encode(utterances)
        if not self.tokenizer.takes_system or utterances[0].role != "system":
            return ids, 0
        one, other = (self.encode((utterances[0], Utterance.of("user", said))) for said in "ab")
        return ids, min(common_prefix(ids, one), common_prefix(ids, other))

    def encode(self, utterances: Sequence[Utterance]) -> list[int]:
        """Token ids of the chat and of what asks for the next answer."""
        chat = [{"role": each.role, "content": defused(each.text, self.markers)} for each in utterances]
        if not self.tokenizer.takes_system:
            chat = without_system(chat)
        return self.tokenizer.encode(self.tokenizer.rendered(chat))

    @cached_property
    def detokenizer(self) -> Callable[[], IncrementalDetokenizer | ByteDetokenizer]:
        """Makes what turns the tokens of an answer into text."""
        return detokenizing(self.tokenizer)


def load(
    model: str | None,
    quantize: Quantize = "auto",
    keep: Path | None = None,
    progress: Progress | None = None,
) -> LoadedModel:
    """The model of a folder or a GGUF file, or with None the shipped one; blocks.

    What is brought to another form is kept below `keep`, and opened from there the next time; `progress` is told from 0
    to 1 meanwhile, and may raise to stop it.
    """
    torch.set_num_threads(THREADS)
    on_gpu = torch.cuda.is_available()
    if model is None:
        form = "gpu" if on_gpu else "int8" if quantize == "int8" else "none"
        return replace(_shipped(quantize), revision=packs.revision(SHIPPED, form))
    if quantize == "auto":
        quantize = "none" if on_gpu else "int8"
    wish = Wish(model, quantize, keep, progress or (lambda _: None))
    path = Path(model).expanduser()
    gguf = gguf_of(path)
    if not gguf and not path.is_dir():
        raise SettingError("LM_MODEL", got=repr(model), wants="a folder that exists or a GGUF file (.gguf)")
    if not gguf:
        _check_folder(path, model)
    opened = _of_gguf(gguf, wish) if gguf else _of_folder(path, wish)
    return replace(opened, revision=packs.revision(gguf or path, "gpu" if on_gpu else quantize))


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: the model's name, in which form, where it is kept, who is told how far it is."""

    name: str
    quantize: Quantize
    keep: Path | None
    progress: Progress

    def refused(self, reason: object) -> SettingError:
        """The error of a file that cannot be read."""
        return SettingError("LM_MODEL", got=repr(self.name), wants=f"a model that can be read: {reason}")


def _shipped(quantize: Quantize) -> LoadedModel:
    if torch.cuda.is_available():
        return _unpacked(str(SHIPPED), SHIPPED_NAME, "none")
    try:
        blueprint = Blueprint.open(SHIPPED)
        decoder = open_packed(blueprint, FullWeights(SHIPPED))
    except OSError as error:
        raise SettingError("LM_MODEL", got="nothing (the shipped model)", wants=f"its files ({error})") from error
    return replace(_with(decoder, SHIPPED, blueprint, SHIPPED_NAME), int8=quantize == "int8")


def _of_gguf(path: Path, wish: Wish) -> LoadedModel:
    on_gpu = torch.cuda.is_available()
    form = "int8" if wish.quantize == "int8" and not on_gpu else "gpu" if on_gpu else "full"
    lent = None if wish.keep else TemporaryDirectory(prefix="parley-")
    folder = packs.place(path, wish.keep or Path(lent.name if lent else ""), form)
    if not packs.manifest(folder):
        from core.lm.local import converting  # with transformers, which takes seconds to import

        try:
            converting.convert(path, folder, form, wish.progress)
        except (Unreadable, Unservable, ValueError, OSError) as error:
            raise wish.refused(error) from error
    opened = _packed(folder, wish.name) if form == "int8" else _unpacked(str(folder), wish.name, "none")
    return replace(opened, lent=lent)


def _of_folder(folder: Path, wish: Wish) -> LoadedModel:
    """A folder of transformers': in int8 packed once, where its layers are of the kind that can be."""
    if wish.quantize != "int8" or wish.keep is None or torch.cuda.is_available():
        return _unpacked(str(folder), wish.name, wish.quantize)
    kept = packs.place(folder, wish.keep, "int8")
    try:
        if not packs.manifest(kept):
            from core.lm.local import converting

            converting.convert(folder, kept, "int8", wish.progress)
        return _packed(kept, wish.name)
    except (Unservable, ValueError, KeyError, AttributeError, TypeError, OSError, SafetensorError) as reason:
        _LOG.info("%s is not packed: %s", wish.name, reason)
    return _unpacked(str(folder), wish.name, "int8")


def _packed(folder: Path, name: str) -> LoadedModel:
    prepacking = Prepacking(folder)  # begins at once, beside the rest
    blueprint = Blueprint.open(folder)
    return _with(open_packed(blueprint, Int8Weights(prepacking)), folder, blueprint, name)


def _with(decoder: Decoder, folder: Path, blueprint: Blueprint, name: str) -> LoadedModel:
    tokenizer = Tokenizer.open(folder, blueprint.chat)
    return LoadedModel(name, tokenizer, blueprint.generation, blueprint.context_tokens, decoder=decoder)


def _unpacked(source: str, name: str, quantize: Quantize) -> LoadedModel:
    """What transformers opens."""
    from core.lm.local import unpacked  # transformers takes seconds to import

    own = unpacked.open_model(source, name, quantize)
    return LoadedModel(name, *own, int8=quantize == "int8" and not torch.cuda.is_available())


def _check_folder(folder: Path, got: str) -> None:
    def has(*patterns: str) -> bool:
        return any(next(folder.glob(pattern), None) is not None for pattern in patterns)

    if not has("config.json"):
        raise SettingError("LM_MODEL", got=repr(got), wants="a model folder: config.json is missing")
    if not has("*.safetensors", "pytorch_model*.bin"):
        raise SettingError("LM_MODEL", got=repr(got), wants="a model folder: the weights (*.safetensors) are missing")
    if not has("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"):
        raise SettingError("LM_MODEL", got=repr(got), wants="a model folder: the tokenizer (tokenizer.json) is missing")


def cache_limit_bytes() -> int:
    """What kept and running answers may take together: an eighth of the memory, of the GPU's free memory a half."""
    return torch.cuda.mem_get_info()[0] // 2 if torch.cuda.is_available() else machine.memory_bytes() // 8
