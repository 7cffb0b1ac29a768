"""Built-in ears: a micro-Whisper for English, trained on sentences that espeak-ng speaks."""
