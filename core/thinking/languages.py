"""Names of languages in words, which small models know better than tags. Pure."""

_NAMES = {
    "ar": ("Arabic", "阿拉伯语"),
    "bn": ("Bengali", "孟加拉语"),
    "cs": ("Czech", "捷克语"),
    "da": ("Danish", "丹麦语"),
    "de": ("German", "德语"),
    "el": ("Greek", "希腊语"),
    "en": ("English", "英语"),
    "es": ("Spanish", "西班牙语"),
    "fa": ("Persian", "波斯语"),
    "fi": ("Finnish", "芬兰语"),
    "fr": ("French", "法语"),
    "he": ("Hebrew", "希伯来语"),
    "hi": ("Hindi", "印地语"),
    "hu": ("Hungarian", "匈牙利语"),
    "id": ("Indonesian", "印尼语"),
    "it": ("Italian", "意大利语"),
    "ja": ("Japanese", "日语"),
    "ko": ("Korean", "韩语"),
    "nl": ("Dutch", "荷兰语"),
    "no": ("Norwegian", "挪威语"),
    "pl": ("Polish", "波兰语"),
    "pt": ("Portuguese", "葡萄牙语"),
    "ro": ("Romanian", "罗马尼亚语"),
    "ru": ("Russian", "俄语"),
    "sv": ("Swedish", "瑞典语"),
    "th": ("Thai", "泰语"),
    "tr": ("Turkish", "土耳其语"),
    "uk": ("Ukrainian", "乌克兰语"),
    "vi": ("Vietnamese", "越南语"),
    "zh-Hans": ("Simplified Chinese", "简体中文"),
    "zh-Hant": ("Traditional Chinese", "繁体中文"),
}
_TAGGED = ("the language with the BCP 47 tag {tag}", "BCP 47 标签为 {tag} 的语言")


def named(tag: str, language: str) -> str:
    """The language of a BCP 47 tag in words of `language` (Chinese, else English); the tag stays where it says more.

    de -> German; pt-BR -> Portuguese (pt-BR).
    """
    spoken = language.split("-")[0] == "zh"
    known = _NAMES.get(tag) or _NAMES.get(tag.split("-")[0])
    if known is None:
        return _TAGGED[spoken].format(tag=tag)
    return known[spoken] if tag in _NAMES else f"{known[spoken]} ({tag})"
