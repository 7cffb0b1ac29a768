"""Telegram, through python-telegram-bot: long polling in, the Bot API out."""

import os

# Durations as timedelta, which the library's next major version makes the only way; without it each one warns.
os.environ.setdefault("PTB_TIMEDELTA", "true")
