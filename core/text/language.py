"""Which language a text is in.

Languages are named by BCP 47 tags without a region ("en", "de"); Chinese is "zh-Hans", the script that Parley writes.
"""

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from core.errors import UserError

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{4})?(?:[-_](?:[A-Za-z]{2}|[0-9]{3}))?")
"""Language, script and region: of RFC 5646 what a chat needs, and no room for a sentence."""


_CERTAIN = 0.7
"""Below this share of the probability a short text could be anything: "hello" is 7 % Breton to the model."""
_SAMPLE_CHARS = 1000


def language_tag(typed: str) -> str:
    """The BCP 47 tag that a person typed, written as Parley does; UserError when it is none."""
    if not _TAG.fullmatch(typed):
        raise UserError("unknown_language", typed=typed[:20])
    base, *rest = typed.replace("_", "-").split("-")
    return "zh-Hans" if base.lower() == "zh" else "-".join([base.lower(), *rest])


def language_of(text: str, hint: str = "") -> str:
    """The language of a text, or the hint's (else English) when the text is too short or too mixed to tell."""
    sample = text[:_SAMPLE_CHARS]
    likeliest, share = _identifier().classify(sample)
    base = hint.replace("_", "-").split("-")[0].lower()
    fallback = {"": "en", "zh": "zh-Hans"}.get(base, base)
    if likeliest in ("zh", "yue", "wuu") and share > 0.3:
        return "zh-Hans"
    return str(likeliest) if share >= _CERTAIN else fallback


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
