"""Where sentences end in Portuguese and English business prose."""

import re

from appliance.domains.knowledge.rules.words import fold

_SHORTENED = frozenset(
    "sr sra srs dr dra av r pca rod km n no nr num tel fone cel ramal art arts par inc pag pags p ex etc min max seg ter qua qui sex sab dom jan fev"
    " mar abr mai jun jul ago set out nov dez ltda cia obs vol ed prof profa eng vs approx st mr mrs ms jr inc co dept ext mon tue wed thu fri sat sun"
    " d u c i e a m g".split(),
)
_END = re.compile(r"(?<=[.!?…])[\"”’)]*\s+(?=[\"“‘(¿¡]?[A-ZÀ-Ý0-9])")
_LAST_WORD = re.compile(r"([^\W\d_]+)\.[\"”’)]*$")
LONGEST_END = 40  # letters in which an abbreviation and the brackets behind it are found
_LIST_MARK = re.compile(r"^\s*(?:[•▪◦·*–-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s*$")


def split(paragraph: str) -> list[str]:
    """Sentences of one paragraph; abbreviations, initials and list numbers do not end one."""
    found: list[str] = []
    for piece in _END.split(" ".join(paragraph.split())):
        if found and not _ends(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        elif piece:
            found.append(piece)
    return found


def _ends(sentence: str) -> bool:
    if _LIST_MARK.match(sentence):
        return False
    last = _LAST_WORD.search(sentence, max(0, len(sentence) - LONGEST_END))
    return last is None or fold(last[1]) not in _SHORTENED
