"""Which platforms this Parley is on, by its settings."""

from bots.app import App, fingerprint
from bots.web.platform import WebPlatform
from core.platform import Platform
from core.values.channel import PlatformName


def open_platforms(app: App) -> dict[PlatformName, Platform]:
    """The web page, and each platform that has a token."""
    settings, phrases = app.settings, app.phrases
    web = WebPlatform(
        app.store,
        app.lanes,
        app.feedback,
        host=settings.web_host,
        port=settings.web_port,
        token=settings.web_token.get_secret_value() or None,
        phrases=phrases,
        health=app.health,
        models=app.models,
    )
    platforms: dict[PlatformName, Platform] = {"web": web}
    # Half a second of imports, which nobody without these tokens has to wait for.
    if token := settings.telegram_token.get_secret_value():
        from bots.telegram_bot.platform import TelegramPlatform

        platforms["telegram"] = TelegramPlatform(
            token, api_base=settings.telegram_api_base, file_base=settings.telegram_file_base or None, phrases=phrases
        )
    if token := settings.discord_token.get_secret_value():
        from bots.discord_bot.last_seen import LastSeen
        from bots.discord_bot.menu import Menu
        from bots.discord_bot.platform import DiscordPlatform

        platforms["discord"] = DiscordPlatform(
            token,
            api_base=settings.discord_api_base or None,
            gateway=settings.discord_gateway or None,
            phrases=phrases,
            last_seen=LastSeen(app.store, fingerprint(token)),
            menu=Menu(app.store, fingerprint(token), phrases),
        )
    return platforms
