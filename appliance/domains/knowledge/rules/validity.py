"""Which text is in force: versions of one document, revoked ones, clauses that say what prevails."""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from appliance.domains.knowledge.rules.words import fold

_REVOKED = re.compile(
    r"\b(?:revogad[oa]s?|substituid[oa]s? (?:pel[oa]s?|em|por)|nao (?:usar|utilizar|valem?) mais|sem efeito|nao vigente|nao esta mais em vigor|obsolet[oa]|desatualizad[oa]|"
    r"fora de vigor|expirad[oa] em|superseded|obsolete|outdated|no longer (?:valid|in force|current)|deprecated|withdrawn|archived|arquivad[oa])\b",
)
_REVOKED_IN_NAME = re.compile(r"(?:^|[\W_])(?:revogad[oa]|antig[oa]s?|obsolet[oa]|old|superseded|outdated|deprecated|arquivad[oa]|expirad[oa])(?:$|[\W_])")
_ABOUT_A_DOCUMENT = re.compile(r"\b(?:documento|versao|politica|regulamento|tabela|lista|precos|valores|manual|termo|este|esta|this|document|policy|version|prices)\b")
_VERSION = re.compile(r"\b(?:versao|version|rev(?:isao|ision)?|edicao|v)[ _.]*(\d+(?:\.\d+)*)\b")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")
_PREVAILS_HERE = re.compile(r"\bprevalece(?:m)? (?:este|esta|o presente|a presente)\b|\b(?:este|esta) \w+ prevalece\b|\bthis \w+ (?:prevails|takes precedence|controls)\b")
_YIELDS = re.compile(
    r"\b(?:consult\w+|conform\w+|ver|veja) (?:o|a) [^.;]{3,60}, que prevalece|\bvale o documento especifico|\bprevalece(?:m)? (?:o|a|os|as) (?!present)"
    r"|\bthe [^.;]{3,60} (?:prevails|takes precedence)\b",
)
_PAST = re.compile(
    r"\b(?:naquela epoca|na epoca|antigamente|antes da mudanca|(?:versao|politica|regra|tabela) (?:antiga|anterior|velha)|era (?:o|a|de|quanto)|eram os|"
    r"valia antes|back then|at (?:that|the) time|used to be|previous(?:ly)?|old (?:policy|version|rule))\b",
)
_FAMILY_NOISE = re.compile(
    r"(?:versao|version|rev(?:isao|ision)?|edicao|v)[ _.]*\d+(?:\.\d+)*|\d+|revogad[oa]|vigente|atual|antig[oa]s?|nov[oa]|final|old|new|current|copia|copy"
    r"|[\W_]+",
)
REVOKED, OLDER, YIELDING, PREVAILING, IN_FORCE = 0.45, 0.55, 0.88, 1.06, 1.0
QUOTED = 0.7
HEAD = 1500

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Edition:
    """What a document shows of itself. `uploaded` orders editions that bear no number."""

    name: str
    title: str
    text: str
    uploaded: str = ""

    @property
    def head(self) -> str:
        return self.text[:HEAD]


@dataclass(frozen=True, slots=True)
class Claims:
    """What it says about being in force. `family` is shared by editions of one document; the highest `order` is the current one."""

    family: str
    order: tuple[tuple[int, ...], int, str]
    revoked: bool
    prevails: bool
    yields: bool


def claims(edition: Edition) -> Claims:
    text = fold(edition.text)
    prevails = bool(_PREVAILS_HERE.search(text))
    return Claims(family(edition), _order(edition), is_revoked(edition), prevails, not prevails and bool(_YIELDS.search(text)))


def is_about_the_past(question: str) -> bool:
    return bool(_PAST.search(fold(question)))


def is_revoked(edition: Edition) -> bool:
    """Its own name, title or first lines say so; a document that revokes *another* version does not count."""
    if _REVOKED_IN_NAME.search(fold(edition.name)) or _REVOKED.search(fold(edition.title)):
        return True
    own = _number(edition)
    return any(_says_revoked(sentence, own) for sentence in re.split(r"(?<=[.;\n])\s", fold(edition.head)))


def _says_revoked(sentence: str, own: str) -> bool:
    found = _REVOKED.search(sentence)
    if not found or not _ABOUT_A_DOCUMENT.search(sentence):
        return False
    subject = _VERSION.findall(sentence[:found.start()])
    return not subject or own in subject


def standing(documents: Mapping[Key, Claims]) -> dict[Key, float]:
    """By document: below 1 is demoted, above 1 prevails where two say different things."""
    newest = _newest_of_family(documents)
    return {key: _standing(said, superseded=newest.get(said.family, key) != key) for key, said in documents.items()}


def _standing(said: Claims, *, superseded: bool) -> float:
    if said.revoked:
        return REVOKED
    if superseded:
        return OLDER
    if said.prevails:
        return PREVAILING
    return YIELDING if said.yields else IN_FORCE


def is_in_force(value: float) -> bool:
    return value > OLDER


def _newest_of_family(documents: Mapping[Key, Claims]) -> dict[str, Key]:
    families: dict[str, list[Key]] = {}
    for key, said in documents.items():
        if said.family:
            families.setdefault(said.family, []).append(key)
    return {name: max(keys, key=lambda key: documents[key].order) for name, keys in families.items()}


def family(edition: Edition) -> str:
    """The name of a document without version, year and status, so that editions of one document share it."""
    if not _VERSION.search(_spaced(edition.name)) and not _VERSION.search(_spaced(edition.title)):
        return ""
    return _FAMILY_NOISE.sub("", fold(edition.title) or fold(edition.name.rsplit(".", 1)[0]))


def _order(edition: Edition) -> tuple[tuple[int, ...], int, str]:
    number = tuple(int(part) for part in _number(edition).split("."))
    years = [int(year) for year in _YEAR.findall(_spaced(edition.name) + " " + edition.title)]
    return number, max(years, default=0), edition.uploaded


def _number(edition: Edition) -> str:
    said = _VERSION.search(_spaced(edition.title)) or _VERSION.search(_spaced(edition.name))
    return said[1] if said else "0"


def _spaced(name: str) -> str:
    return fold(name).replace("_", " ").replace("-", " ")
