"""How what somebody types into the search is read, checked against a text, and shown in it."""

import re
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.domains.conversations.rules import spelling, wording

MOST_WORDS = 400  # of one message
MOST_SAID = 20_000  # characters of a message looked through for words in their order
ASKED_WORDS = 8
MOST_FORMS = 200  # that a beginning stands for
BEFORE, AROUND = 40, 140
_NUMBER = struct.Struct("<I")
_QUOTED = re.compile(r'["“”«]([^"“”«»]+)["“”»]')
_TYPED_PHONE = re.compile(r"(?<![\w$,.:/@-])\+?\(?\d(?:[\d ().\u00a0/-]*\d)?(?!\w|[,.:/@-]\w)")  # no part of a price
_GROUPED = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{3})+(?!\.?\w)")  # 1.500, which is the same as 1500
_GLUE = re.compile(r"[@\d./_]")  # what of an address or a code goes together; a hyphen alone joins words
_LEAST_PHONE, _COUNTRY, _WITH_COUNTRY = 10, "55", (12, 13)

Part = tuple[str, bool]  # a piece of text, and whether it is what was looked for


@dataclass(frozen=True)
class Asked:
    """A word, by any of its forms or its beginning; or several in their order, the last of them a beginning where `is_open`."""

    words: tuple[str, ...]
    is_phrase: bool = False
    is_open: bool = True

    @property
    def known(self) -> tuple[str, ...]:
        """The words that are kept of messages; letters alone are only read."""
        return tuple(word for word in self.words if len(word) > 1 or word.isdigit())

    def fits(self, word: str, form: str) -> bool:
        """Whether `form` stands for this word of the question."""
        if form == word:
            return True
        is_open = self.is_open and word == self.words[-1]
        written = ways_of(word) if not self.is_phrase else [word]
        begins = is_open and any(len(each) >= spelling.HEAD and form.startswith(each) for each in written)
        return begins or (not self.is_phrase and spelling.stem_of(form) in map(spelling.stem_of, written))


def forms_in(text: str) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(spelled.form for spelled in spelling.spellings(text)))[:MOST_WORDS]


def asked_in(q: str) -> list[Asked]:
    """What stands in quotes is looked for as it stands; a number and an address as one, however they were written."""
    phrases = [Asked(_words_of(quoted), is_phrase=True, is_open=False) for quoted in _QUOTED.findall(q)]
    rest = _TYPED_PHONE.sub(_joined, _QUOTED.sub(" ", q))
    found = [*phrases, *(asked for chunk in rest.split() for asked in _read(chunk))]
    return [asked for asked in dict.fromkeys(found) if asked.known][:ASKED_WORDS]


def _words_of(text: str) -> tuple[str, ...]:
    return tuple(_said(text))[:ASKED_WORDS]


def _said(text: str) -> list[str]:
    """Word by word, prices as one however they are written."""
    plain = _GROUPED.sub(lambda number: number[0].replace(".", ""), text)
    return [spelling.form_of(word) for word in spelling.WORD.findall(plain)]


def _joined(typed: re.Match[str]) -> str:
    digits = spelling.digits_of(typed[0])
    if typed[0].replace(" ", "").isdigit() or (" " in typed[0] and len(digits) < _LEAST_PHONE):
        return typed[0]
    return _home(digits)


def _home(digits: str) -> str:
    return digits.removeprefix(_COUNTRY) if len(digits) in _WITH_COUNTRY else digits


def ways_of(word: str) -> list[str]:
    """The word, and without its country what may be a phone as WhatsApp writes it: 5511987654321."""
    return list(dict.fromkeys([word, _home(word)])) if word.isdigit() else [word]


def _read(chunk: str) -> Iterator[Asked]:
    words = _words_of(chunk)
    if len(words) > 1 and _GLUE.search(chunk):
        yield Asked(words, is_phrase=True)
    else:
        yield from (Asked((word,)) for word in words)


def says(text: str, phrase: Asked) -> bool:
    """Whether the words of a phrase stand in the text one after the other."""
    *before, last = phrase.words
    said = _said(text[:MOST_SAID])
    ends = (place for place, form in enumerate(said) if place >= len(before) and phrase.fits(last, form))
    return any(said[end - len(before) : end] == before for end in ends)


def text_in(content: Mapping[str, Any]) -> str:
    """All of a message that somebody may look for: what was written, the subject, the name of the file."""
    written = wording.text_of(content)
    subject, named = (content.get("mail") or {}).get("subject", ""), (content.get("media") or {}).get("filename", "")
    return " ".join(str(part) for part in (subject if subject != written else "", written, named) if part)


def snippet(text: str, wanted: Collection[str]) -> list[Part]:
    """The passage around the first of the forms that were looked for, those told apart."""
    flat = " ".join(text.split())
    hits = sorted({(spelled.start, spelled.end) for spelled in spelling.spellings(flat) if spelled.form in wanted})
    start = max(0, hits[0][0] - BEFORE) if hits else 0
    start = flat.rfind(" ", 0, start) + 1 if start else 0
    end = min(len(flat), start + AROUND)
    parts: list[Part] = [("…", False)] if start else []
    at = start
    for first, last in hits:
        if last > end:
            break
        if first >= at:
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
