"""What a customer could ask of some documents: their own questions first, then what their headings name."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

from appliance.domains.knowledge.rules import asking, words

MOST_WORDS, LEAST_LETTERS = 10, 5
_NUMBERING = re.compile(r"^(?:(?:cap[ií]tulo|se[cç][aã]o|anexo|chapter|section)\s+[\dIVX]+\b|\d+(?:\.\d+)*\.?(?=\s)|[IVX]+\.)\s*[–—:.-]*\s*", re.IGNORECASE)
_ASKS = re.compile(r"(?:como|quando|quanto|quanta|onde|quem|qual|quais|o que|por que|how|when|where|who|what|which|why)\b")
_HANGS = re.compile(r"(?:a|ao|aos|as|de|do|da|em|no|na|nos|nas|por|para|com|sem|sobre|se|e|ou|about|at|by|for|from|if|in|of|on|to|with|without|and|or)\b")
_ABOUT = {"pt": "Pode me falar sobre {}?", "en": "Can you tell me about {}?"}


def suggestions(paths: Iterable[tuple[str, Sequence[Sequence[str]]]], limit: int) -> list[tuple[str, int]]:
    """`paths`: by document, its language and the heading paths of some of its text. Documents take turns.

    Each question comes with the place of its document. Whether it is answered is for who offers it to find out.
    """
    found: dict[str, tuple[str, int]] = {}
    turns = zip_longest(*([(line, place) for line in _askable(said, spoken)] for place, (spoken, said) in enumerate(paths)))
    for turn in chain.from_iterable(turns):
        if turn:
            found.setdefault(words.fold(turn[0]), turn)
    return list(found.values())[:limit]


def _askable(paths: Sequence[Sequence[str]], spoken: str) -> list[str]:
    """Questions before headings, each in the order it stands in. The first heading is the document's own name."""
    lines = [_NUMBERING.sub("", path[-1]).strip() for path in paths if path[1:] or (path and path[-1].endswith("?"))]
    asked = [(line, _asked(line, spoken)) for line in dict.fromkeys(lines) if _fits(line)]
    alone = [(line, question) for line, question in asked if question and not asking.continues(question, spoken)]
    return [question for _, question in sorted(alone, key=lambda one: not one[0].endswith("?"))]


def _asked(line: str, spoken: str) -> str:
    """As a customer would say it; empty when a heading is no name of a thing (`À vista`)."""
    folded = words.fold(line)
    if line.endswith("?"):
        return line
    if _ASKS.match(folded):
        return f"{line}?"
    return "" if _HANGS.match(folded) or "," in line else _ABOUT.get(spoken, _ABOUT["pt"]).format(_in_a_sentence(line))


def _in_a_sentence(line: str) -> str:
    """Names and short forms keep their capitals."""
    first, *others = line.split()
    is_name = first[1:] != first[1:].lower() or (others and others[0][:1].isupper())
    return line if is_name else line[:1].lower() + line[1:]


def _fits(line: str) -> bool:
    letters = sum(char.isalpha() for char in line)
    return letters >= LEAST_LETTERS and len(line.split()) <= MOST_WORDS and not line.endswith((".", ":", ";"))
