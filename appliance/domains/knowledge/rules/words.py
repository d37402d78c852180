"""From text to stems. One code path for documents and questions, so that both sides meet."""

import re
from collections.abc import Iterable
from functools import lru_cache

import Stemmer

from appliance.core import folding
from appliance.domains.knowledge.rules import vocabulary

WORD = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+|\d+(?![.,]\d))?")
CODE = re.compile(r"\b(?=\w*[^\W\d_])(?=[\w-]*\d)[\w]+(?:-[\w]+)+\b")
GREETING = re.compile(r"\b(?:bom dia|boa tarde|boa noite|good (?:morning|afternoon|evening|night))\b")
SHORT_PREPOSITION = re.compile(r"\b([pc])/")
LOOSE_WORD = re.compile(r"(?<!\$)\b[^\W\d_]+(?: /)?(?!\$)")
THOUSANDS = re.compile(r"\b(\w+) (?:mil|thousand)\b")
_ALGORITHMS = {"pt": "portuguese", "en": "english"}
_ACCENTED_ENDINGS = (  # typed without accents they would be stemmed differently
    ("coes", "ções"), ("cao", "ção"), ("avel", "ável"), ("aveis", "áveis"), ("ivel", "ível"), ("iveis", "íveis"),
    ("ancia", "ância"), ("ancias", "âncias"), ("encia", "ência"), ("encias", "ências"),
)
_PLURALS = (("ais", "al"), ("eis", "el"), ("ois", "ol"), ("ns", "m"), ("oes", "ao"), ("aes", "ao"))
_SHORTEST_PLURAL = 5
_DEED = re.compile(r"^([^\W\d]{4,})acao$")  # castração is what castrar does
_SIZED = re.compile(r"^(\w{2,}?)(?:z?inh|issim|on)$")  # the stem of a diminutive, a superlative, an augmentative
_SOFTENED = (("qu", "c"), ("gu", "g"))
MAX_WORD = 40


@lru_cache(maxsize=16384)
def fold(text: str) -> str:
    """What PDFs write for a hyphen is one."""
    return folding.fold(text.replace("\ufffe", "-"))


def tokens(text: str) -> list[str]:
    """Folded words and numbers in order; a code such as `AB-12` stays whole and also gives its parts."""
    folded = fold(text)
    found = [part[:MAX_WORD] for part in WORD.findall(folded)]
    return found + [code.replace("-", "") for code in CODE.findall(folded)] if "-" in folded else found


@lru_cache(maxsize=1)
def _stemmers() -> dict[str, Stemmer.Stemmer]:
    return {language: Stemmer.Stemmer(name) for language, name in _ALGORITHMS.items()}


@lru_cache(maxsize=65536)
def stem(word: str, language: str) -> str:
    """The stem of a folded word. Numbers lose leading zeros and empty cents."""
    if word[0].isdigit():
        return canonical_number(word)
    if word in vocabulary.NUMERALS.get(language, {}):
        return vocabulary.NUMERALS[language][word]
    if language == "pt":
        word = _exchanged(word, _PLURALS) if len(word) >= _SHORTEST_PLURAL else word
        word = _exchanged(_DEED.sub(r"\1ar", word), _ACCENTED_ENDINGS)
    stemmed = _snowball(word, language)
    if stemmed == word and len(word) > 3 and word[-1] == "s" and word[-2] != "s":  # short plurals it leaves alone: anos
        stemmed = _snowball(word[:-1], language)
    return stemmed[:-1] if language == "pt" and len(stemmed) > 3 and stemmed[-1] in "aeo" else stemmed


def _exchanged(word: str, endings: Iterable[tuple[str, str]]) -> str:
    return next((word.removesuffix(old) + new for old, new in endings if word.endswith(old)), word)


def _snowball(word: str, language: str) -> str:
    stemmer = _stemmers().get(language)
    return fold(stemmer.stemWord(word)) if stemmer else word


def canonical_number(word: str) -> str:
    """`1.200,00`, `1,200.00` and `1200` are one term."""
    whole = re.sub(r"[.,]00$", "", word)
    whole = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", whole)
    return whole.replace(",", ".").lstrip("0") or "0"


def stems(text: str, language: str) -> list[str]:
    """Content stems in order: function words and small talk are gone."""
    return [stemmed for word in tokens(text) if (stemmed := _content(word, language)) is not None]


@lru_cache(maxsize=65536)
def _content(word: str, language: str) -> str | None:
    """The stem of a word that says something."""
    if word in vocabulary.SILENT.get(language, ()) or not (len(word) > 1 or word.isdigit()):
        return None
    return _plain(stem(word, language), language)


def _plain(stemmed: str, language: str) -> str:
    """A diminutive of an everyday word is that word."""
    return next((plain for plain in unsized(stemmed, language) if plain in _synonym_stems(language)), stemmed)


def question_stems(question: str, language: str) -> list[str]:
    """Stems of what a customer typed: greetings dropped, abbreviations written out."""
    return stems(written_out(question, language), language)


def written_out(question: str, language: str) -> str:
    """`qto fica p/ vc entregar` → `quanto fica para voce entregar`."""
    short = vocabulary.SHORT.get(language, {})
    plain = GREETING.sub(" ", SHORT_PREPOSITION.sub(r"\1 / ", fold(question)))
    spelled = LOOSE_WORD.sub(lambda found: short.get(found[0], found[0]), plain)
    return _thousands(spelled, language)


def _thousands(text: str, language: str) -> str:
    """`doze mil` → `12000`, `3 mil` → `3000`."""
    numerals = vocabulary.NUMERALS.get(language, {})

    def multiplied(found: re.Match[str]) -> str:
        digits = numerals.get(found[1], found[1])
        return f"{digits}000" if digits.isdigit() else found[0]

    return THOUSANDS.sub(multiplied, text)


def unsized(stemmed: str, language: str) -> tuple[str, ...]:
    """Stems it may be a diminutive, superlative or augmentative of: `gatinh` → `gat`. Not all of them are words."""
    found = _SIZED.match(stemmed) if language == "pt" else None
    if not found:
        return ()
    plain = _exchanged(found[1], _SOFTENED)
    return tuple(dict.fromkeys((plain, *(stem(plain + ending, language) for ending in ("o", "io", "e")))))


def synonyms(stemmed: Iterable[str], language: str) -> dict[str, frozenset[str]]:
    """For each stem the other stems that customers and documents use for it."""
    groups = _synonym_stems(language)
    return {term: groups[term] for term in stemmed if term in groups}


@lru_cache(maxsize=4)
def _synonym_stems(language: str) -> dict[str, frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for group in vocabulary.SYNONYMS.get(language, ()):
        same = {stem(fold(word), language) for word in group.split()}
        for term in same:
            groups.setdefault(term, set()).update(same - {term})
    return {term: frozenset(others) for term, others in groups.items()}
