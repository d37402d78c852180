"""Which language a message or a document is in. Short messages are decided by function words, not by a model."""

from appliance.domains.knowledge.rules import vocabulary
from appliance.domains.knowledge.rules.words import WORD, fold

_SHARED = vocabulary.SILENT["pt"] & vocabulary.SILENT["en"]
_MARKS = {
    "pt": (vocabulary.SILENT["pt"] | frozenset(vocabulary.SHORT_PT)) - _SHARED - {"do", "me", "no", "as", "a"},
    "en": vocabulary.SILENT["en"] - _SHARED - {"do", "me", "no", "as", "a"},
}
_PORTUGUESE_LETTERS = frozenset("ãõçáéíóúâêôà")


def detect(text: str, default: str = "pt") -> str:
    """`pt` or `en`; `default` when nothing speaks for either."""
    words = WORD.findall(fold(text[:4000]))
    votes = {language: sum(word in marks for word in words) for language, marks in _MARKS.items()}
    votes["pt"] += sum(letter in _PORTUGUESE_LETTERS for letter in text[:4000].casefold())
    best = max(votes, key=lambda language: votes[language])
    return default if votes["pt"] == votes["en"] else best
