"""How words of messages are found again: one term for a word and its inflections, on both sides, for as long as a message is kept.

Not the stems of the knowledge domain: those are tuned for answering and made anew with every document that is read.
"""

import re
import struct
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import Stemmer

from appliance.domains.conversations.rules import wording

WORD = re.compile(r"[^\W_]+")
MAX_WORD = 40
MOST_WORDS = 400  # of one message
ASKED_WORDS = 8
BEFORE, AROUND = 40, 140
_NUMBER = struct.Struct("<I")
# typed without accents these would be stemmed differently; plurals that the stemmer leaves alone
_ENDINGS = (("coes", "ção"), ("cao", "ção"), ("oes", "ão"), ("aes", "ão"), ("ais", "al"), ("eis", "el"), ("ois", "ol"), ("ns", "m"))
_LEAST, _SHORTEST = 5, 3

Part = tuple[str, bool]  # a piece of text, and whether it is what was looked for


@lru_cache(maxsize=1)
def _stemmers() -> tuple[Stemmer.Stemmer, ...]:
    """One after the other, since messages do not say which language they are in."""
    return Stemmer.Stemmer("portuguese"), Stemmer.Stemmer("english")


def _fold(word: str) -> str:
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


@lru_cache(maxsize=65536)
def term_of(word: str) -> str:
    found = _fold(word)[:MAX_WORD]
    if found.isdigit():
        return found.lstrip("0") or "0"
    if len(found) >= _LEAST:
        found = next((found.removesuffix(old) + new for old, new in _ENDINGS if found.endswith(old)), found)
    for stemmer in _stemmers():
        found = _fold(stemmer.stemWord(found))
    return found[:-1] if len(found) > _SHORTEST and found[-1] in "aeo" else found


def terms_of(text: str, most: int = MOST_WORDS) -> list[str]:
    """Each once, in order; letters that stand alone say nothing."""
    words = (word for word in WORD.findall(text) if len(word) > 1 or word.isdigit())
    return list(dict.fromkeys(term_of(word) for word in words))[:most]


def text_in(content: Mapping[str, Any]) -> str:
    """All of a message that somebody may look for: what was written, the subject, the name of the file."""
    media = content.get("media")
    named = media.get("filename", "") if isinstance(media, Mapping) else ""
    return " ".join(str(part) for part in (content.get("subject"), wording.text_of(content), named) if part)


def snippet(text: str, wanted: Iterable[str]) -> list[Part]:
    """The passage around the first word that was looked for, those words told apart."""
    terms = set(wanted)
    flat = " ".join(text.split())
    hits = [found.span() for found in WORD.finditer(flat) if term_of(found[0]) in terms]
    start = max(0, hits[0][0] - BEFORE) if hits else 0
    start = flat.rfind(" ", 0, start) + 1 if start else 0
    end = min(len(flat), start + AROUND)
    parts: list[Part] = [("…", False)] if start else []
    at = start
    for first, last in hits:
        if last > end:
            break
        parts += [(flat[at:first], False), (flat[first:last], True)]
        at = last
    return [part for part in (*parts, (flat[at:end], False), ("…" if end < len(flat) else "", False)) if part[0]]


def packed(numbers: Iterable[int]) -> bytes:
    return b"".join(_NUMBER.pack(number) for number in numbers)


def unpacked(packed_numbers: bytes) -> frozenset[int]:
    return frozenset(number for (number,) in _NUMBER.iter_unpack(packed_numbers))


def best_numbers(places: Sequence[frozenset[int]]) -> list[int]:
    """Of the numbers where each word stands: those with the most words, newest first."""
    counted: dict[int, int] = {}
    for numbers in places:
        for number in numbers:
            counted[number] = counted.get(number, 0) + 1
    most = max(counted.values(), default=0)
    return sorted((number for number, words in counted.items() if words == most), reverse=True)
