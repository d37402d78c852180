"""Messages that ask nothing, and sentences that state nothing: greetings, thanks, a nod."""

import re
from functools import lru_cache

from appliance.domains.knowledge.rules import polarity, vocabulary, words

_NODS = {
    "pt": "ok okay valeu beleza show perfeito certo certinho entendi entendido legal joia otimo tchau combinado massa abraco grato grata",
    "en": "ok okay great cool perfect bye goodbye sure alright nice cheers welcome got",
}

_POLITE = {  # no word that names a thing, a price, a time, or something the reader should do
    "pt": (
        "ok claro certo certamente perfeito otimo entendi entendo compreendo ola prazer grato grata agradeco espero feliz explicar explico"
        " ajudar ajudo ajuda ajudei ajudado disposicao duvidas perguntas esclarecer esclareco esclarecido veja seguir resumo resumindo"
        " resposta respostas informacoes abaixo detalhes desculpe desculpa lamento qualquer quaisquer"
    ),
    "en": (
        "ok okay sure certainly absolutely perfect hello welcome explain help helps helped assist glad happy hope question questions anything"
        " else something sorry understand summary answer answers information below details let see pleasure great"
        " you're i'm i'll we're we'll let's here's"
    ),
}
_POLITE_TOGETHER = re.compile(r"\b(?:of course|feel free)\b")


def asks_nothing(text: str, language: str) -> bool:
    """No word in it names a thing; what a person could look up would be empty."""
    return all(stem in _nods(language) for stem in words.question_stems(text, language))


@lru_cache(maxsize=4)
def _nods(language: str) -> frozenset[str]:
    return frozenset(words.stem(word, language) for word in _NODS.get(language, "").split())


def states_nothing(sentence: str, language: str) -> bool:
    """Politeness that needs no source. What denies something is never only polite."""
    if not words.stems(sentence, language):
        return True
    return any(_is_polite(sentence, spoken) for spoken in _POLITE)


def _is_polite(sentence: str, language: str) -> bool:
    left = _POLITE_TOGETHER.sub(" ", words.GREETING.sub(" ", words.fold(sentence)))
    return all(word in _quiet(language) for word in words.tokens(left)) and not polarity.denied(sentence, language)


@lru_cache(maxsize=4)
def _quiet(language: str) -> frozenset[str]:
    return vocabulary.SILENT[language] | frozenset(_POLITE[language].split())
