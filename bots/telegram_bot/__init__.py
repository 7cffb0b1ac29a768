"""Telegram, through python-telegram-bot: long polling in, the Bot API out."""
