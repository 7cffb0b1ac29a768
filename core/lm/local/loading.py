"""Opens a model from the shipped weights, a folder or the hub, and says in one line what keeps it from opening."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from huggingface_hub.utils import enable_progress_bars
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from core.errors import SettingError
from core.lm.base import Utterance
from core.lm.local import packs, templates
from core.lm.local.attention import Unservable
from core.lm.local.decoder import Decoder
from core.lm.local.packed import open_packed, tokenizer_of
from core.lm.local.packing import FolderModel, Source, pack
from core.lm.local.packs import Progress, gguf_of
from core.lm.local.prepacking import Prepacking
from core.lm.local.quantization import Quantize, bfloat16_pays
from core.lm.local.skeleton import small
from core.lm.local.slots import common_prefix
from core.lm.local.spelling import growing
from core.lm.special_tokens import Pattern, defused, pattern
from core.lm.stopping import ByteGrower, TextGrower
from core.models import machine
from core.telemetry import log

SHIPPED = Path(__file__).parents[2] / "shipped" / "chat" / "weights"
SHIPPED_NAME = "parley-small"
_MOST_CONTEXT_TOKENS = 32_768
_ONE_THREAD_BYTES = 64 << 20
"""In smaller models threads wait for each other longer than they work, and much longer on a machine that is busy."""
THREADS = torch.get_num_threads()
_ACCEPTED = "a folder that exists, a GGUF file (.gguf), or a model id of the hub"
_LOG = log("lm")


@dataclass(frozen=True)
class Loaded:
    """A model as it is stored; `model` and `tokenizer` are transformers' own objects.

    It is to be brought to int8, or was packed in it: then `like` is the decoder of a small model of its kind, and
    `lent` a folder that it needs while it is held.
    """

    name: str
    model: Any
    tokenizer: Any
    context_tokens: int
    system_role: bool
    int8: bool = False
    like: Decoder | None = None
    lent: Any = None

    @property
    def threads(self) -> int:
        """On how many threads it computes."""
        return 1 if sum(each.numel() * 4 for each in self.model.parameters()) < _ONE_THREAD_BYTES else THREADS

    @cached_property
    def markers(self) -> Pattern:
        """What the tokenizer would read as the frame of a chat."""
        added = self.tokenizer.added_tokens_decoder.values()
        return pattern(token.content for token in added if token.special)

    @property
    def longest(self) -> int:
        """The most tokens that the model's own settings let it answer."""
        return self.model.generation_config.max_new_tokens or self.context_tokens

    @property
    def ends(self) -> frozenset[int]:
        """Token ids that end an answer."""
        own = self.model.generation_config.eos_token_id
        return frozenset(own if isinstance(own, list) else [] if own is None else [own])

    def encode_with_system(self, utterances: Sequence[Utterance]) -> tuple[list[int], int]:
        """Token ids as `encode` gives them, and how many of the first are the system words', whatever follows them."""
        ids = self.encode(utterances)
        if not self.system_role or utterances[0].role != "system":
            return ids, 0
        one, other = (self.encode((utterances[0], Utterance("user", said))) for said in "ab")
        return ids, min(common_prefix(ids, one), common_prefix(ids, other))

    def encode(self, utterances: Sequence[Utterance]) -> list[int]:
        """Token ids of the chat and of what asks for the next answer."""
        chat = [{"role": each.role, "content": defused(each.content, self.markers)} for each in utterances]
        if not self.system_role:
            chat = templates.without_system(chat)
        return list(templates.render(self.tokenizer, chat))

    @cached_property
    def grower(self) -> Callable[[], TextGrower | ByteGrower]:
        """Makes what turns the tokens of an answer into text."""
        return growing(self.tokenizer, self.decode)

    def decode(self, ids: list[int]) -> str:
        """Text of token ids, special tokens left out."""
        return self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def load(
    model: str | None,
    quantize: Quantize = "auto",
    keep: Path | None = None,
    progress: Progress | None = None,
) -> Loaded:
    """The model of a folder, a GGUF file or a hub id, or with None the shipped one; blocks.

    What is brought to another form is kept below `keep`, and opened from there the next time; `progress` is told from 0
    to 1 meanwhile, and may raise to stop it. What the hub cache holds is used as it is, without the network;
    otherwise it is downloaded.
    """
    torch.set_num_threads(THREADS)
    if model is None:
        _check_folder(SHIPPED, "None (the shipped model)")
        return _load(str(SHIPPED), SHIPPED_NAME, "none" if quantize == "auto" else quantize, local_only=True)
    if quantize == "auto":
        quantize = "none" if torch.cuda.is_available() else "int8"
    wish = Wish(model, quantize, keep, progress or (lambda _: None))
    path = Path(model).expanduser()
    if gguf := gguf_of(path):
        return _load_gguf(gguf, wish)
    if path.is_dir():
        _check_folder(path, model)
        return _load_folder(path, wish)
    if path.is_absolute() or path.suffix == ".gguf" or model.startswith((".", "~")):
        raise SettingError("LM_MODEL", got=repr(model), wants=_ACCEPTED)
    try:
        return _load(model, model, quantize, local_only=True)
    except OSError:
        _LOG.info("%s is not in the cache, so it is downloaded", model)
    try:
        return _load(model, model, quantize, local_only=False)
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise SettingError("LM_MODEL", got=repr(model), wants=f"a model that can be downloaded ({reason})") from error


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


def _load_gguf(path: Path, wish: Wish) -> Loaded:
    from core.lm.local.gguf_file import Unreadable  # with gguf: only where there is one

    on_gpu = torch.cuda.is_available()
    form = "int8" if wish.quantize == "int8" and not on_gpu else "gpu" if on_gpu else "full"
    lent = None if wish.keep else TemporaryDirectory(prefix="parley-")
    try:
        folder = _packed(path, form, replace(wish, keep=wish.keep or Path(lent.name if lent else "")))
    except (Unreadable, ValueError, OSError) as error:
        raise wish.refused(error) from error
    if form != "int8":
        return replace(_load(str(folder), wish.name, "none", local_only=True), lent=lent)
    like = tried(AutoConfig.from_pretrained(folder, local_files_only=True))
    if like is None:
        raise wish.refused("transformers computes its layers in another way than was thought")
    return replace(_open(folder, wish, like), lent=lent)


def _load_folder(folder: Path, wish: Wish) -> Loaded:
    """A folder of transformers': in int8 packed once, where its layers are of the kind that can be."""
    if wish.quantize != "int8" or wish.keep is None or torch.cuda.is_available():
        return _load(str(folder), wish.name, wish.quantize, local_only=True)
    like = tried(AutoConfig.from_pretrained(folder, local_files_only=True))
    try:
        if like is not None:
            return _open(_packed(folder, "int8", wish), wish, like)
    except (ValueError, KeyError, AttributeError, TypeError, OSError, SafetensorError) as reason:
        _LOG.info("%s is not packed: %s", wish.name, reason)
    return _load(str(folder), wish.name, "int8", local_only=True)


def _packed(path: Path, form: str, wish: Wish) -> Path:
    """The pack of a source, made now where there is none; what it makes needless is erased."""
    assert wish.keep is not None
    folder = packs.place(path, wish.keep, form)
    if packs.manifest(folder):
        return folder
    with packs.alone(wish.keep, wish.progress):
        if not packs.manifest(folder):  # another may have made it meanwhile
            _LOG.info("%s is converted once", path.name)
            source = _source(path)
            full = torch.bfloat16 if form == "gpu" else source.dtype
            said = {"source": str(path.resolve()), "form": form}
            pack(source, folder, torch.int8 if form == "int8" else full, wish.progress, said)
            packs.sweep(folder)
    return folder


def _source(path: Path) -> Source:
    if path.is_dir():
        return FolderModel(path)
    from core.lm.local.gguf_model import GgufModel  # with gguf: only where there is one

    return GgufModel(path)


def tried(config: Any) -> Decoder | None:
    """The decoder of a small model of this kind; None where its layers are not of the kind that is packed."""
    try:
        like = Decoder(small(config))
    except (Unservable, ValueError, AttributeError, TypeError):
        return None
    return like if like.fused else None


def _open(folder: Path, wish: Wish, like: Decoder) -> Loaded:
    tokenizer = tokenizer_of(folder)
    model = open_packed(Prepacking(folder))
    return Loaded(
        wish.name, model, tokenizer, _context_tokens(model, tokenizer), templates.takes_system(tokenizer), like=like
    )


def _check_folder(folder: Path, got: str) -> None:
    def has(*patterns: str) -> bool:
        return any(next(folder.glob(pattern), None) is not None for pattern in patterns)

    if not has("config.json"):
        raise SettingError("LM_MODEL", got=repr(got), wants="a model folder: config.json is missing")
    if not has("*.safetensors", "pytorch_model*.bin"):
        raise SettingError("LM_MODEL", got=repr(got), wants="a model folder: the weights (*.safetensors) are missing")
    if not has("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"):
        raise SettingError("LM_MODEL", got=repr(got), wants="a model folder: the tokenizer (tokenizer.json) is missing")


def _load(source: str, name: str, quantize: Quantize, *, local_only: bool) -> Loaded:
    """Reads weights and tokenizer; OSError when they are not there."""
    disable_progress_bar()  # of reading weights, which takes a moment; it silences the hub's downloads as well
    enable_progress_bars()

    on_gpu = torch.cuda.is_available()
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(source, local_files_only=local_only)
        if not tokenizer.chat_template:
            raise SettingError("LM_MODEL", got=repr(name), wants="a chat model: its tokenizer has no chat template")
        own = AutoConfig.from_pretrained(source, local_files_only=local_only).dtype
        dtype = torch.bfloat16 if on_gpu else _cpu_type(own, quantize)
        model: Any = AutoModelForCausalLM.from_pretrained(source, local_files_only=local_only, dtype=dtype)
    except (ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingError("LM_MODEL", got=repr(name), wants=f"a causal language model ({reason})") from error
    model.eval()
    if on_gpu:
        model.to("cuda")
    if quantize == "int8" and on_gpu:
        _LOG.warning("LM_QUANTIZE=int8 is for processors: on the GPU %s computes in bfloat16", name)
    int8 = quantize == "int8" and not on_gpu
    return Loaded(name, model, tokenizer, _context_tokens(model, tokenizer), templates.takes_system(tokenizer), int8)


def _cpu_type(own: Any, quantize: Quantize) -> Any:
    """What to compute in where the weights are stored as `own`: bfloat16 loses nothing only if they are that already.

    float16 on a CPU is slower than float32, and not all operations have it.
    """
    halves = quantize == "none" and own is torch.bfloat16 and bfloat16_pays()
    return torch.bfloat16 if halves else torch.float32


def _context_tokens(model: Any, tokenizer: Any) -> int:
    """Positions that the model knows, bounded so that one channel cannot take all memory."""
    config = model.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", None) or _MOST_CONTEXT_TOKENS
    rope: Any = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") == "longrope":  # beyond, all positions turn otherwise, and what was kept is of no use
        positions = min(positions, rope["original_max_position_embeddings"])
    return int(min(positions, tokenizer.model_max_length, _MOST_CONTEXT_TOKENS))


def cache_limit_bytes() -> int:
    """What kept and running answers may take together: an eighth of the memory, of the GPU's free memory a half."""
    return torch.cuda.mem_get_info()[0] // 2 if torch.cuda.is_available() else machine.memory_bytes() // 8
