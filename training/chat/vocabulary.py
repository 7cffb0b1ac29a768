"""Builds the tokenizer: frequent words whole, every other word spelled in the same pieces wherever it stands.

A rare word is its first letter (with or without a space before it, in either case) and then pieces of one or two
letters that do not depend on what came before, so that copying a name is copying tokens. Other characters are bytes.
"""

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from training.chat.dialogues import write_dialogues
from training.chat.invented import COLOURS_ZH, COMMON_THINGS, FAMILIAR, GIVEN_ZH, PLACES_ZH, SURNAMES_ZH, THINGS_ZH

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END, SYSTEM, USER, ASSISTANT, UNKNOWN = "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|unknown|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_VOWELS = "aeiouy"
_WORDS_ZH = (
    "什么 名字 哪里 最喜欢 喜欢 记住 记得 我的 你的 资料 模型 内置的 没有 知道 住在 告诉 谢谢 可以 密码 多少 时候 "
    "怎么 一个 你好 再见 "
    "Parley LM_MODEL 资料里没有说。 资料： 资料里说： 我记得， 回答不了这个。 主人可以用 换一个更大的 换大一点的 "
    "抱歉，我只是 这个我不会。"
).split()
_EXAMPLES = 20_000
_LEAST_COUNT = 40


def _frequent() -> tuple[list[str], list[str]]:
    """Frequent words (without punctuation, lower case) and all Chinese characters of many dialogues."""
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    rng = Random(1)
    writing = write_dialogues(rng, most_notes=4, notes_share=0.4)
    for _ in range(_EXAMPLES):
        dialogue = next(writing)
        texts = [dialogue.system, *(text for each in dialogue.exchanges for text in (each.said, *each.accepted))]
        for text in texts:
            words.update(word.strip(".,:!?-+*=").lower() for word in text.split() if word.isascii())
            characters.update(char for char in text if "\u4e00" <= char <= "\u9fff")
    spelled = {name.lower() for name in FAMILIAR}
    frequent = [
        word for word, count in words.most_common() if count >= _LEAST_COUNT and len(word) > 1 and word not in spelled
    ]
    kept = [word for word in frequent if word.replace("'", "").replace("-", "").isalpha()]
    listed = set(SURNAMES_ZH + GIVEN_ZH + PLACES_ZH + "".join(COLOURS_ZH + THINGS_ZH))
    return [*kept, *COMMON_THINGS], sorted({char for char, count in characters.items() if count >= 5} | listed)


def _pieces() -> list[tuple[str, float]]:
    """Every piece and its score; the segmentation with the highest sum wins, so fewer pieces win."""
    words, characters = _frequent()
    pieces: dict[str, float] = {token: 0.0 for token in (UNKNOWN, END, SYSTEM, USER, ASSISTANT)}
    pieces |= {f"<0x{byte:02X}>": -30.0 for byte in range(256)}
    single = (
        _LETTERS
        + _LETTERS.upper()
        + "0123456789"
        + "".join(chr(code) for code in range(33, 127) if not chr(code).isalnum())
    )
    pieces["▁"] = -12.0
    pieces |= {char: -10.0 for char in [*single, "\n", *"，。？！：、；（）"]}
    pieces |= {"▁" + char: -9.0 for char in single}
    consonants = [letter for letter in _LETTERS if letter not in "aeiou"]
    pieces |= {vowel + letter: -9.1 for vowel in "aeiou" for letter in "nrlsmtdkx"}
    pieces |= {letter + vowel: -9.0 for letter in consonants for vowel in _VOWELS if letter != vowel}
    for word in [*words, "LM_MODEL", "Parley"]:
        pieces |= {"▁" + form: -17.9 for form in (word, word[0].upper() + word[1:])}
    pieces |= {char: -9.0 for char in characters}
    pieces |= {word: -8.5 for word in _WORDS_ZH}
    pieces |= {"▁Notes:": -17.9, "\n▁-": -10.0, "\n▁\n": -10.0, "'s": -10.0}
    return list(pieces.items())


def build_tokenizer() -> "PreTrainedTokenizerFast":
    """The tokenizer with its chat template; the same at every call."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers  # heavy
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram(_pieces(), unk_id=0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁"), normalizers.Replace("\n", "\n▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Replace("\n▁", "\n"),
            decoders.Replace("▁", " "),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in (UNKNOWN, END, SYSTEM, USER, ASSISTANT)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNKNOWN,
        eos_token=END,
        pad_token=END,
        chat_template=CHAT_TEMPLATE,
        model_max_length=768,
        clean_up_tokenization_spaces=False,
    )
