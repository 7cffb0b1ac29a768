"""Trains the shipped chat model: python -m training.chat.train [--minutes N] [--threads N] [--out DIR].

The dialogues are written while it trains and never repeat; the knowledge sentences that a question has to be answered
from grow from one to four. Uses a GPU when there is one. Ends by writing the weights in the ordinary Hugging Face form.
"""

import argparse
import math
import time
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch import _dynamo as dynamo
from torch.nn import functional
from tqdm import tqdm

from training.chat.batches import WIDTHS, Batch, Batches, Encoder, Row, pad
from training.chat.dialogues import Plan, Writer
from training.chat.vocabulary import END, build_tokenizer

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

WEIGHTS = Path(__file__).parents[2] / "core" / "shipped" / "chat" / "weights"
CONTEXT_TOKENS = 768
# Peak learning rates: matrices are learnt by Muon (its updates scaled like Adam's), embeddings and norms by AdamW.
MATRIX_RATE = 4e-3
OTHER_RATE = 3e-3
WARM_UP_STEPS = 100
# Share of the time after which questions come with up to so many knowledge sentences.
CURRICULUM = ((0.0, 1), (0.12, 2), (0.25, 3), (0.4, 4))
DECAY_FROM = 0.7
CHECK_EVERY_S = 120.0


def build_model(tokenizer: "PreTrainedTokenizerFast") -> "LlamaForCausalLM":
    """A small Llama with fresh weights."""
    from transformers import LlamaConfig, LlamaForCausalLM  # heavy

    end = tokenizer.get_vocab()[END]
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=64,
        max_position_embeddings=CONTEXT_TOKENS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=end,
    )
    model: Any = LlamaForCausalLM(config)
    model.set_attn_implementation("eager")  # on a CPU its backward is several times faster than the fused one
    return model


def open_model(start: Path | None) -> tuple[Any, Any]:
    """Tokenizer and model: new ones, or those in the folder `start`."""
    if start is None:
        tokenizer = build_tokenizer()
        return tokenizer, build_model(tokenizer)
    from transformers import AutoTokenizer, LlamaForCausalLM  # heavy

    model: Any = LlamaForCausalLM.from_pretrained(start, dtype=torch.float32)
    model.set_attn_implementation("eager")
    return AutoTokenizer.from_pretrained(start), model


def save(model: "LlamaForCausalLM", tokenizer: "PreTrainedTokenizerFast", folder: Path) -> None:
    """Writes weights (float16), tokenizer, chat template and greedy generation settings to `folder`."""
    from transformers import GenerationConfig, LlamaForCausalLM  # heavy

    halved = LlamaForCausalLM(model.config).half()
    halved.load_state_dict(model.state_dict())
    halved.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, max_new_tokens=160
    )
    halved.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def learning_pace(step: int, done: float) -> float:
    """Share of the peak rate: warm-up, a plateau, then a fall to nothing; `done` is the share of the time passed."""
    falling = 1.0 if done < DECAY_FROM else max(0.0, (1 - done) / (1 - DECAY_FROM))
    return min(1.0, (step + 1) / WARM_UP_STEPS) * falling


class Trainer:
    """One training: the model, its optimiser and the data that it still has to meet."""

    def __init__(self, seed: int, device: str, start: Path | None) -> None:
        torch.manual_seed(seed)
        self.device = device
        self.tokenizer, self.model = open_model(start)
        self.model.to(device)
        dynamo.config.recompile_limit = 4 * len(WIDTHS)  # one graph a width, with and without gradients
        self.trunk: Any = torch.compile(self.model.model, dynamic=False)
        self.batches = Batches(Encoder(self.tokenizer, Random(seed)))
        matrices = [each for name, each in self.model.named_parameters() if each.ndim == 2 and "embed" not in name]
        others = [each for name, each in self.model.named_parameters() if each.ndim != 2 or "embed" in name]
        self.optimizers = (
            torch.optim.Muon(matrices, lr=MATRIX_RATE, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.97), weight_decay=0.0, fused=True),
        )
        self.checks = self._unseen_rows(Encoder(self.tokenizer, Random(seed + 1)))

    def logits(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Predictions [learnt, vocabulary] and what they should be [learnt]."""
        ids = torch.tensor(batch.ids, device=self.device)  # (B, T)
        learnt = torch.tensor(batch.learnt, device=self.device)[:, 1:].reshape(-1).nonzero()[:, 0]
        with torch.autocast(self.device, dtype=torch.bfloat16):
            hidden = self.trunk(input_ids=ids, use_cache=False).last_hidden_state  # (B, T, C)
            flat = hidden[:, :-1].reshape(-1, hidden.shape[-1])[learnt]
            predicted = self.model.lm_head(flat)
        return predicted.float(), ids[:, 1:].reshape(-1)[learnt]

    def step(self, batch: Batch, pace: float) -> float:
        """Learns from one batch; returns its loss in nats a token."""
        for optimizer, peak in zip(self.optimizers, (MATRIX_RATE, OTHER_RATE), strict=True):
            optimizer.param_groups[0]["lr"] = peak * pace
        loss = functional.cross_entropy(*self.logits(batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return float(loss.detach())

    def _unseen_rows(self, encoder: Encoder) -> dict[int, list[Row]]:
        rows: dict[int, list[Row]] = defaultdict(list)
        for _ in range(260):
            row = encoder.row(Writer(encoder.rng, Plan(unseen=True), most_notes=3).dialogue(0.5))
            rows[next(width for width in WIDTHS if len(row.ids) <= width)].append(row)
        return rows

    @torch.no_grad()
    def check(self) -> str:
        """Share of replies in unseen dialogues whose every token would be chosen, by skill; one line."""
        right: dict[str, list[bool]] = defaultdict(list)
        for width, rows in self.checks.items():
            size = 4096 // width
            for start in range(0, len(rows) - size + 1, size):
                some = rows[start : start + size]
                batch = pad(some, width, self.batches.encoder.end)
                chosen = iter(self.logits(batch)[0].argmax(-1).tolist())
                for row in some:
                    for span in row.spans:
                        right[span.skill].append(_would_be_right(span.accepted, span.accepted[span.chosen], chosen))
        return "  ".join(
            f"{skill} {100 * sum(each) / len(each):.0f}% of {len(each)}" for skill, each in sorted(right.items())
        )


def _would_be_right(accepted: tuple[tuple[int, ...], ...], followed: tuple[int, ...], chosen: Any) -> bool:
    right = True
    for at, _ in enumerate(followed):
        token = next(chosen)
        right &= any(len(each) > at and each[:at] == followed[:at] and each[at] == token for each in accepted)
    return right


def train(minutes: float, folder: Path, seed: int = 0, start: Path | None = None) -> None:
    """Trains for `minutes` and leaves the weights in `folder`, which also holds them after every check on the way.

    With `start`, goes on from the weights in that folder, past the first steps of the curriculum.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trainer = Trainer(seed, device, start)
    skipped = 0.0 if start is None else CURRICULUM[-1][0]
    began = checked = time.monotonic()
    progress = tqdm(total=round(minutes * 60), unit="s", dynamic_ncols=True)
    smooth = math.nan
    for step, batch in enumerate(trainer.batches):
        elapsed = time.monotonic() - began
        done = skipped + (1 - skipped) * elapsed / (minutes * 60)
        if done >= 1:
            break
        trainer.batches.most_notes = max(count for since, count in CURRICULUM if done >= since)
        trainer.batches.copying_share = max(0.0, min(0.9, 1.2 * (1 - done / 0.2)))
        trainer.batches.notes_share = 0.4 if done < 0.1 else 0.6
        loss = trainer.step(batch, learning_pace(step, done))
        smooth = loss if math.isnan(smooth) else 0.98 * smooth + 0.02 * loss
        progress.update(round(elapsed) - progress.n)
        progress.set_postfix_str(f"step {step} loss {smooth:.3f}", refresh=False)
        if time.monotonic() - checked > CHECK_EVERY_S:
            checked = time.monotonic()
            progress.write(f"{elapsed / 60:.0f} min, step {step}, loss {smooth:.3f}: {trainer.check()}")
            save(trainer.model, trainer.tokenizer, folder)
    progress.close()
    save(trainer.model, trainer.tokenizer, folder)
    print(trainer.check())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Trains the shipped chat model.")
    parser.add_argument("--minutes", type=float, default=75.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="go on from the weights in this folder")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options.minutes, options.out, options.seed, options.start)


if __name__ == "__main__":
    main()
