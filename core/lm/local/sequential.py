"""The way of answering for models that the slots cannot serve: transformers' own `generate`, one job after another."""

from collections import deque
from typing import Any

import torch
from transformers.generation.streamers import BaseStreamer

from core.errors import RetryableError
from core.lm.local.batch import FAILURES, WAITING, Job
from core.lm.local.sampling import SamplingState


class Plain:
    """Looks like a `Batch`, but keeps nothing and serves one at a time."""

    def __init__(self, model: Any, *, waiting: int = WAITING) -> None:
        self._model = model
        self._most_waiting = waiting
        self._waiting: deque[Job] = deque()

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self._waiting)

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return len(self._waiting)

    def submit(self, job: Job) -> None:
        """Let a job wait for its turn; when too many wait, it is done at once with RetryableError."""
        if len(self._waiting) >= self._most_waiting:
            job.on_end(RetryableError(f"{len(self._waiting)} answers wait for the language model", after_s=5.0))
            return
        self._waiting.append(job)

    def forget(self, channel: str) -> None:
        """Nothing: nothing is kept."""

    def step(self) -> None:
        """One whole answer."""
        job = self._waiting.popleft()
        try:
            if not job.cancelled:
                self._generate(job)
        except FAILURES as error:
            job.on_end(error)
        else:
            job.on_end(None)

    def fail(self, error: BaseException) -> None:
        """End every job that waits with this error."""
        while self._waiting:
            self._waiting.popleft().on_end(error)

    def _generate(self, job: Job) -> None:
        prompt = torch.tensor([list(job.ids)], device=self._model.device)  # (1, T)
        writer = _Writer(job)
        with torch.inference_mode(), torch.random.fork_rng(enabled=job.sampling.seed is not None):
            if job.sampling.seed is not None:
                torch.manual_seed(job.sampling.seed)
            self._model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=job.max_new_tokens,
                streamer=writer,
                stopping_criteria=[writer.is_done],
                **_arguments(job.sampling),
            )


def _arguments(state: SamplingState) -> dict[str, Any]:
    """Arguments of `generate`."""
    if not state.temperature:
        return {"do_sample": False, "repetition_penalty": state.repetition_penalty}
    return {
        "do_sample": True,
        "temperature": state.temperature,
        "top_k": state.top_k,
        "top_p": state.top_p,
        "min_p": state.min_p,
        "repetition_penalty": state.repetition_penalty,
    }


class _Writer(BaseStreamer):
    """The streamer that `generate` writes tokens to, and the question whether it should go on."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._prompt_seen = False
        self._done = False

    def put(self, value: Any) -> None:
        """Takes the prompt [1, T] once, then each token [1]."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        for token in value.reshape(-1).tolist():
            self._done = self._done or token in self._job.eos_ids or not self._job.on_token(token)

    def end(self) -> None:
        """Nothing is held back here."""

    def is_done(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """Asked by `generate` after every token; a bool for each row."""
        return input_ids.new_full((input_ids.shape[0],), self._done or self._job.cancelled).bool()
