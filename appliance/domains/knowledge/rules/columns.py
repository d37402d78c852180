"""Which columns of a long table row an answer shows: what the row is about, then what was asked."""

import re

from appliance.domains.knowledge.rules import scoring, wants, words
from appliance.domains.knowledge.rules.asking import Question

LONG = 5
_CODE = re.compile(r"^(?:cod(?:igo)?|code|sku|id|ref(?:erencia)?|ean|item n\w*)$")
_FIGURE = re.compile(r"(?:R\$|US\$|\$|€)?\s*\d")


def shown(text: str, question: Question, language: str) -> str:
    """A row of few columns, or one of which nothing in particular was asked, stays as it is."""
    cells = _cells(text)
    if len(cells) < LONG:
        return text
    asked = frozenset(term for one in scoring.concepts(question.weights_for(language), language) for term, _ in one.spellings())
    speaking = [cell for cell in cells if not _is_code(cell)]
    named = [cell for cell in speaking if asked.intersection(words.stems(_value(cell), language))]
    wanted = [cell for cell in cells if cell not in (*speaking[:1], *named) and _is_asked(cell, question, asked, language)]
    if not wanted:
        return text
    qualifying = [cell for cell in speaking if cells.index(cell) < cells.index(wanted[0]) and not _FIGURE.match(_value(cell))]
    return "; ".join(dict.fromkeys((*speaking[:1], *named, *wanted, *qualifying)))


def _cells(text: str) -> list[str]:
    """`Produto: X; Preço: Y` apart; a piece without a name belongs to the one before."""
    cells: list[str] = []
    for piece in text.split("; "):
        if ": " in piece or not cells:
            cells.append(piece)
        else:
            cells[-1] += f"; {piece}"
    return cells


def _is_asked(cell: str, question: Question, asked: frozenset[str], language: str) -> bool:
    """Its heading was named, or it states the kind of fact wanted."""
    heading = cell.partition(": ")[0] if ": " in cell else ""
    if asked.intersection(words.stems(heading, language)):
        return True
    return any(wants.states(cell, want) for want in question.wanted)


def _value(cell: str) -> str:
    return cell.partition(": ")[2] if ": " in cell else cell


def _is_code(cell: str) -> bool:
    return bool(_CODE.match(words.fold(cell.partition(": ")[0])))
