"""What a language model may not change in a text it was given: figures, links, places to fill in, names."""

import re
from collections import Counter
from collections.abc import Iterable

from appliance.core.folding import fold_line
from appliance.domains.agents.types import Way

_FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*")
_CENTS = re.compile(r"[.,]00$")
_KEPT_WHOLE = re.compile(r"https?://[^\s<>\"')]+|\bwww\.[^\s<>\"')]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|\{\{[^{}]*\}\}")
_WITHIN = re.compile(r"(?<![.!?…:\n\"“])(?<=\S)\s+([A-ZÀ-Ý][\w'-]+)")
_SPEAKS_OF = frozenset("""
    i sr sra dr dra mr mrs ms voce senhor senhora monday tuesday wednesday thursday friday saturday sunday january february march april may
    june july august september october november december english portuguese spanish french german italian brazilian portugues ingles
    espanhol frances alemao italiano christmas easter natal pascoa brazil brasil please thanks
""".split())  # fmt: skip  # noqa: SIM905 - a word list reads better so


def missing_or_new(source: str, text: str, *, way: Way, names: Iterable[str] = ()) -> list[str]:
    """What of `source` is not in `text`, then figures and links in `text` that nobody wrote. `names`: of people, known beforehand."""
    wholes, told = _wholes(source), _wholes(text)
    lost = [one for one in wholes if told[one] < wholes[one]]
    lost += [name for name in _names(source, way, names) if not _has(text, name)]
    figures, said = _figures(source), _figures(text)
    lost += [shown for figure, shown in figures.items() if figure not in said]
    return [*lost, *(one for one in told if one not in wholes), *(shown for figure, shown in said.items() if figure not in figures)]


def invented_figures(source: str, text: str) -> list[str]:
    """Figures in `text` that are not in `source`."""
    known = _figures(source)
    return [shown for figure, shown in _figures(text).items() if figure not in known]


def _wholes(text: str) -> Counter[str]:
    return Counter(found[0].rstrip(".,;:!?") for found in _KEPT_WHOLE.finditer(text))


def _figures(text: str) -> dict[str, str]:
    """Its digits → as written: 1.500,00 and 1,500.00 and 1500 are the same."""
    bare = _KEPT_WHOLE.sub(" ", text)
    return {re.sub(r"\D", "", _CENTS.sub("", found[0])): found[0] for found in _FIGURE.finditer(bare)}


def _names(source: str, way: Way, known: Iterable[str]) -> list[str]:
    """Known ones, and words written large inside a sentence; PIX may be called otherwise in another language, Wesley may not."""
    large = {found[1] for found in _WITHIN.finditer(_KEPT_WHOLE.sub(" ", source)) if fold_line(found[1]) not in _SPEAKS_OF}
    parts = {part for name in known for part in name.split() if part[:1].isupper() and len(part) > 1 and _has(source, part)}
    return sorted(parts | {word for word in large if way is not Way.TRANSLATE or not word.isupper()})


def _has(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(fold_line(word))}(?!\w)", fold_line(text)) is not None
