"""What transformers itself offers: continuous batching, and the pipeline for one chat."""

import time
from typing import Any

from transformers import AutoTokenizer, ContinuousBatchingConfig, GenerationConfig, pipeline

from benchmarks.weights import prompt
from core.lm.local.loading import SHIPPED


class Continuous:
    """`generate_batch`, which batches continuously; its attention is the one for processors (paged sdpa)."""

    name = "transformers, continuous batching"

    def __init__(self, model: Any) -> None:
        model.set_attn_implementation("sdpa")
        self._model = model

    def write(self, chats: int, context: int, tokens: int) -> float:
        """Tokens a second of all chats together from when each has its first; what leads there is not counted."""
        asked = GenerationConfig(max_new_tokens=tokens + 1, do_sample=False, eos_token_id=-1, pad_token_id=0)
        # Left to itself it takes most of the machine's memory, and longer to do so than to answer.
        room = ContinuousBatchingConfig(max_batch_tokens=512, num_blocks=chats * (2 + (context + tokens) // 256))
        said = self._model.generate_batch(
            [prompt(context, chat) for chat in range(chats)], asked, room, record_timestamps=True
        )
        times = [each.timestamps for each in said.values()]
        assert [len(each.generated_tokens) for each in said.values()] == [tokens + 1] * chats
        start, end = max(each[0] for each in times), max(each[-1] for each in times)
        return sum(at > start for each in times for at in each) / (end - start)


class Pipeline:
    """`transformers.pipeline("text-generation")` as its documentation has it."""

    def __init__(self, model: Any) -> None:
        self.name = f"transformers.pipeline, {str(model.dtype).removeprefix('torch.')}"
        tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
        self._text = tokenizer.decode(prompt(64))
        self.prompt_tokens = len(tokenizer(self._text).input_ids)
        self._pipeline = pipeline("text-generation", model=model, tokenizer=tokenizer)

    def answer(self, tokens: int) -> float:
        """Seconds of an answer, its prompt included."""
        start = time.perf_counter()
        exactly = {"min_new_tokens": tokens, "max_new_tokens": tokens}
        made = self._pipeline(self._text, **exactly, do_sample=False, return_tensors=True)
        took_s = time.perf_counter() - start
        assert len(made[0]["generated_token_ids"]) == self.prompt_tokens + tokens
        return took_s
