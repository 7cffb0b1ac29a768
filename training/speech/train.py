"""Trains the built-in ears: `python -m training.speech.train [--steps 7000] [--threads 1] [--resume]`.

A micro-Whisper with a CTC loss on its encoder, which makes it learn to align early and is thrown away at the end.
"""

import argparse
import contextlib
import copy
import math
import os
import random as randomness
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm
from transformers import WhisperForConditionalGeneration

from training.speech import alphabet, clips
from training.speech.alphabet import CHARACTERS, END, NO_TIMESTAMPS, START
from training.speech.clips import Clip

WEIGHTS = Path(__file__).parents[2] / "core" / "shipped" / "speech" / "weights"
_CLIPS = 16_000
_BATCH, _BATCH_FULL = 32, 3
_PEAK_RATE, _WARM_UP = 1.5e-3, 300
_CTC = 0.3
_WINDOW = 3000  # frames of a 30 s window, to which faster-whisper pads every clip
_SAVE_S = 300


class Ears(nn.Module):
    """A micro-Whisper and the CTC head of its training."""

    def __init__(self, words: Tokenizer) -> None:
        super().__init__()
        self.whisper = WhisperForConditionalGeneration(alphabet.config(words))
        self.letters = nn.Linear(self.whisper.config.d_model, len(CHARACTERS) + 1)

    def encode(self, features: Tensor) -> Tensor:
        """(B, 80, F) -> (B, F / 2, D); layer by layer, because the encoder's own forward insists on 3000 frames."""
        encoder = self.whisper.model.encoder
        hidden = functional.gelu(encoder.conv1(features))
        hidden = functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
        hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
        for layer in encoder.layers:
            out = layer(hidden, None)
            hidden = out[0] if isinstance(out, tuple) else out
        return encoder.layer_norm(hidden)

    def loss(self, batch: "Batch") -> Tensor:
        """Cross entropy of the words plus CTC of their letters."""
        hidden = self.encode(batch.features)
        out = self.whisper.model.decoder(input_ids=batch.tokens[:, :-1], encoder_hidden_states=hidden)
        logits = self.whisper.proj_out(out.last_hidden_state)  # (B, T, V)
        words = functional.cross_entropy(
            logits.float().flatten(0, 1), batch.targets.flatten(), ignore_index=-100, label_smoothing=0.05
        )
        letters = self.letters(hidden).float().log_softmax(-1).transpose(0, 1)  # (F / 2, B, letters)
        aligned = functional.ctc_loss(letters, batch.letters, batch.frames, batch.letter_counts, zero_infinity=True)
        return words + _CTC * aligned


class Batch:
    """Clips of like length, masked a little (SpecAugment), then padded with zeros as faster-whisper pads.

    A few batches have the full window, so that the long silent tail is learnt; fewer clips, because it costs so much.
    """

    def __init__(self, chosen: list[Clip], words: Tokenizer, random: randomness.Random, device: str) -> None:
        full = random.random() < 0.02
        chosen = chosen[:_BATCH_FULL] if full else chosen
        longest = max(clip.features.shape[1] for clip in chosen)
        width = _WINDOW if full else longest + int(900 * random.random() ** 5)
        features = np.zeros((len(chosen), 80, (min(width, _WINDOW) + 1) // 2 * 2), np.float32)
        for row, clip in enumerate(chosen):
            features[row, :, : clip.features.shape[1]] = _masked(clip.features, random)
        prompt = [words.token_to_id(START), words.token_to_id(NO_TIMESTAMPS)]
        rows = [[*prompt, *words.encode(f" {clip.text}").ids, words.token_to_id(END)] for clip in chosen]
        spelled = [[CHARACTERS.index(letter) + 1 for letter in clip.text] for clip in chosen]
        tokens = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], True, -100)
        self.targets = tokens[:, 1:].clone().to(device)
        self.targets[:, 0] = -100
        self.tokens = tokens.clamp(min=0).to(device)
        self.features = torch.from_numpy(features).to(device, torch.bfloat16)
        self.frames = torch.tensor([(clip.features.shape[1] + 1) // 2 for clip in chosen])
        self.letters = torch.tensor([letter for row in spelled for letter in row])
        self.letter_counts = torch.tensor([len(row) for row in spelled])


def _masked(features: np.ndarray, random: randomness.Random) -> np.ndarray:
    masked = features.astype(np.float32)
    for _ in range(2):
        low, high = random.randrange(80), random.randrange(1, 12)
        start, length = random.randrange(masked.shape[1]), random.randrange(1, 16)
        masked[low : low + high] = masked.mean()
        masked[:, start : start + length] = masked.mean()
    return masked


class Batches:
    """Batches without end from the clips that are ready; clips of like length go together."""

    def __init__(self, words: Tokenizer, random: randomness.Random, device: str) -> None:
        self._words, self._random, self._device = words, random, device
        self._clips: list[Clip] = []
        self._queue: list[list[Clip]] = []

    def add(self, fresh: list[Clip]) -> None:
        """More clips, used from the next round on."""
        self._clips += fresh

    def next(self) -> Batch:
        """One batch."""
        if not self._queue:
            pool = self._random.sample(self._clips, len(self._clips))
            for start in range(0, len(pool), _BATCH * 20):
                near = sorted(pool[start : start + _BATCH * 20], key=lambda clip: clip.features.shape[1])
                self._queue += [near[at : at + _BATCH] for at in range(0, len(near), _BATCH)]
            self._random.shuffle(self._queue)
        return Batch(self._queue.pop(), self._words, self._random, self._device)


class Learner:
    """Computes in bfloat16, which is a quarter faster than autocast on a CPU, and learns in float32: `ears`."""

    def __init__(self, ears: Ears) -> None:
        self.ears = ears
        self._computing = copy.deepcopy(ears).to(torch.bfloat16)
        self._optimizer = torch.optim.AdamW(ears.parameters(), _PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01)

    def step(self, batch: Batch, rate: float) -> float:
        """One step at this learning rate; the loss."""
        loss = self._computing.loss(batch)
        loss.backward()
        for slow, fast in zip(self.ears.parameters(), self._computing.parameters(), strict=True):
            slow.grad, fast.grad = None if fast.grad is None else fast.grad.float(), None
        nn.utils.clip_grad_norm_(self.ears.parameters(), 1.0)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._follow()
        return loss.item()

    def _follow(self) -> None:
        with torch.no_grad():
            for slow, fast in zip(self.ears.parameters(), self._computing.parameters(), strict=True):
                fast.copy_(slow)

    def keep(self, file: Path, step: int) -> None:
        """Write the state after `step` steps."""
        partial = file.with_suffix(".partial")
        torch.save({"ears": self.ears.state_dict(), "optimizer": self._optimizer.state_dict(), "step": step}, partial)
        partial.rename(file)

    def restore(self, file: Path) -> int:
        """Go on from a kept state; the number of steps it has."""
        kept = torch.load(file, weights_only=True)
        self.ears.load_state_dict(kept["ears"])
        self._optimizer.load_state_dict(kept["optimizer"])
        self._follow()
        return int(kept["step"])


def train(steps: int, threads: int, out: Path, cache: Path, *, resume: bool) -> None:
    """Train for `steps` and write the weights for faster-whisper into `out`.

    Every few minutes all that is needed to go on is kept in `cache`, for `resume`.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    words, random = alphabet.tokenizer(), randomness.Random(0)
    learner, checkpoint = Learner(Ears(words).to(device)), cache / "checkpoint.pt"
    first = learner.restore(checkpoint) if resume else 0
    batches = Batches(words, random, device)
    with clips.making(_CLIPS, cache, threads) as fresh:
        batches.add(fresh())
        saved, smooth = time.monotonic(), 0.0
        for step in (bar := tqdm(range(first, steps), initial=first, total=steps, desc="hearing", unit="step")):
            if step % 50 == 0:
                batches.add(fresh())
            warm = min(1.0, (step - first + 1) / _WARM_UP)
            loss = learner.step(batches.next(), warm * _PEAK_RATE * 0.5 * (1 + math.cos(math.pi * step / steps)))
            smooth = loss if step == first else 0.98 * smooth + 0.02 * loss
            bar.set_postfix_str(f"loss {smooth:.3f}", refresh=False)
            if time.monotonic() - saved > _SAVE_S:
                saved = time.monotonic()
                learner.keep(checkpoint, step + 1)
                export(learner.ears, words, out)
    export(learner.ears, words, out)


def export(ears: Ears, words: Tokenizer, out: Path) -> None:
    """Write what faster-whisper opens: int8 weights and the files beside them."""
    ears.eval()
    with tempfile.TemporaryDirectory() as folder:
        ears.whisper.save_pretrained(folder)
        alphabet.write_beside(Path(folder), words)
        with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
            converter = TransformersConverter(folder, copy_files=["tokenizer.json", "preprocessor_config.json"])
            converter.convert(f"{folder}/out", quantization="int8")
        shutil.copytree(f"{folder}/out", out, dirs_exist_ok=True)
    ears.train()


def main() -> None:
    """Arguments of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/parley/speech")
    parser.add_argument("--resume", action="store_true", help="go on with a training that was cut off")
    chosen = parser.parse_args()
    train(chosen.steps, chosen.threads, chosen.out, chosen.cache, resume=chosen.resume)


if __name__ == "__main__":
    main()
