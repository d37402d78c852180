"""What a text denies: `não sou cooperado`, `para não cooperados` and `non-members` speak of the same people."""

import re
from functools import lru_cache

from appliance.domains.knowledge.rules import vocabulary, words

REACH = 3
_DENIES = re.compile(r"\b(?:nao|not|non|isn't|aren't|i'm not)\b[\s-]*((?:[^\W\d_]+[\s-]*){1,3})")
_WHO = re.compile(r"\b(?:nao|not)\W+(?:sou|somos|estou|tenho|temos|am|are|a)\b|\bnao (?=[^\W\d_]+d[oa]s?\b)|\bnon[\s-]")
_WITH = re.compile(r"\b(?:com|with)\s+((?:[^\W\d_]+[\s-]*){1,3})")
_WITHOUT = re.compile(r"\b(?:sem|without)\s+((?:[^\W\d_]+[\s-]*){1,3})")


@lru_cache(maxsize=16384)
def denied(text: str, language: str) -> frozenset[str]:
    """The stem of the first content word after each denial."""
    return _first_after(_DENIES, text, language)


@lru_cache(maxsize=16384)
def goes(text: str, language: str) -> tuple[frozenset[str], frozenset[str]]:
    """(with, without): `com defeito` and `sem defeito` are two cases of one thing."""
    return _first_after(_WITH, text, language), _first_after(_WITHOUT, text, language)


def _first_after(pattern: re.Pattern[str], text: str, language: str) -> frozenset[str]:
    silent = vocabulary.SILENT.get(language, frozenset())
    after = (found[1].replace("-", " ").split()[:REACH] for found in pattern.finditer(words.written_out(text, language)))
    first = (next((word for word in said if word not in silent and len(word) > 1), "") for said in after)
    return frozenset(words.stem(word, language) for word in first if word)


def denies_a_group(text: str, language: str) -> frozenset[str]:
    """What somebody says not to be or to have; empty when only an act is denied."""
    return denied(text, language) if _WHO.search(words.written_out(text, language)) else frozenset()
