"""What each figure should be. Printed beside what was measured; nothing fails on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure in words, and its bound."""

    what: str
    most: float | None = None
    least: float | None = None

    def __str__(self) -> str:
        return f"<= {self.most:g}" if self.most is not None else f">= {self.least:g}"

    def verdict(self, value: float) -> str:
        """Whether a value reaches it, or by how much it does not."""
        over = value / self.most if self.most is not None else (self.least or 0) / max(value, 1e-9)
        return "reached" if over <= 1 else f"missed by {over - 1:.0%}"


GOALS = {
    "ttft_turn20_over_turn1": Goal("first token of turn 20 after 2,000 tokens, over turn 1", most=1.5),
    "recompute_over_kept": Goal("the same turn computed again, over its cache kept", least=15),
    "batch8_over_single": Goal("8 chats at once over one at a time, tokens/s", least=4),
    "batch8_over_hf_continuous": Goal("8 chats over transformers' continuous batching, int8", least=2.5),
    "batch8_over_llamacpp_ctx64": Goal("8 chats over llama.cpp at 64 tokens of context", least=1.3),
    "batch8_over_llamacpp_ctx1024": Goal("8 chats over llama.cpp at 1,024 tokens of context", least=2),
    "single_over_llamacpp_decode": Goal("one chat over llama.cpp, writing", least=0.9),
    "single_over_llamacpp_prefill": Goal("one chat over llama.cpp, reading", least=2),
    "single_over_pipeline": Goal("one chat in int8 over transformers.pipeline", least=2),
    "hearing_over_bare": Goal("a voice note of 10 s over bare faster-whisper", most=1.05),
    "loop_lag_p99_ms": Goal("how late the event loop is meanwhile, p99 ms", most=20),
    "note_to_text_p50_s": Goal("a voice note of about 3 s to its whole text, p50 s", most=1.5),
    "turn_minus_echo_p50_ms": Goal("a whole turn minus an echo bot's, p50 ms", most=5),
    "turn_minus_echo_p99_ms": Goal("a whole turn minus an echo bot's, p99 ms", most=15),
    "redis_round_trips": Goal("Redis round trips a turn", most=4),
}
