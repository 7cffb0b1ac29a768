"""The fixed language of a chat, asked for in that language at the end of a message: small minds follow what stands last
and is said so; of a rule among the system words, with the language's tag, they answered half in the message's language.
"""

_ASKED = {
    "ar": "أجب بالعربية.",
    "de": "Antworte auf Deutsch.",
    "en": "Answer in English.",
    "es": "Responde en español.",
    "fr": "Réponds en français.",
    "it": "Rispondi in italiano.",
    "ja": "日本語で答えてください。",
    "ko": "한국어로 답하세요.",
    "nl": "Antwoord in het Nederlands.",
    "pl": "Odpowiedz po polsku.",
    "pt": "Responde em português.",
    "ru": "Ответь по-русски.",
    "tr": "Türkçe cevap ver.",
    "uk": "Відповідай українською.",
    "zh": "用中文回答。",
}


def asked_for(said: str, tag: str) -> str:
    """A message, and after it the language (BCP 47) to answer in, where its own words for that are known."""
    request = _ASKED.get(tag.split("-")[0])
    return f"{said}\n\n{request}" if request else said
