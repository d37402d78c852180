"""Messages that ask nothing: greetings, thanks, a nod."""

from functools import lru_cache

from appliance.domains.knowledge.rules import words

_NODS = {
    "pt": "ok okay valeu beleza show perfeito certo certinho entendi entendido legal joia otimo tchau combinado massa abraco grato grata",
    "en": "ok okay great cool perfect bye goodbye sure alright nice cheers welcome got",
}


def asks_nothing(text: str, language: str) -> bool:
    """No word in it names a thing; what a person could look up would be empty."""
    return all(stem in _nods(language) for stem in words.question_stems(text, language))


@lru_cache(maxsize=4)
def _nods(language: str) -> frozenset[str]:
    return frozenset(words.stem(word, language) for word in _NODS.get(language, "").split())
