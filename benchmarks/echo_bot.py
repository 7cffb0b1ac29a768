"""The bot that a turn is compared with: says what it hears and keeps nothing. `python -m benchmarks.echo_bot BASE`."""

import sys

from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

from tests.platforms.telegram_server import TOKEN


async def echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    assert update.message.text is not None
    await update.message.reply_text(update.message.text)


app = Application.builder().token(TOKEN).base_url(f"{sys.argv[1]}/bot").concurrent_updates(True).build()
app.add_handler(MessageHandler(filters.TEXT, echo))
app.run_polling(allowed_updates=Update.ALL_TYPES)
