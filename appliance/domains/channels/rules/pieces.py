"""Pieces inside mails and inside each other: which hold which, and what cannot be."""

from collections.abc import Iterator, Mapping

from babel.support import LazyProxy

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.rules.templates import PIECE


def held_by(text: str) -> list[str]:
    """The names of the pieces that stand in it, once each, in order."""
    return list(dict.fromkeys(found[1] for found in PIECE.finditer(text)))


def find_circle(name: str, text: str, pieces: Mapping[str, str]) -> list[str]:
    """The way on which a piece of this text leads back to itself: `[a, b, a]`; empty where none does."""
    texts, ways = {**pieces, name: text}, [[name]]
    met: set[str] = set()
    while ways:
        way = ways.pop()
        for held in held_by(texts.get(way[-1], "")):
            if held == name:
                return [*way, held]
            if held not in met:
                met.add(held)
                ways.append([*way, held])
    return []


def problems_of_pieces(name: str, text: str, pieces: Mapping[str, str], *, is_piece: bool) -> Iterator[tuple[str, LazyProxy]]:
    missing = [held for held in held_by(text) if held not in pieces and not (is_piece and held == name)]
    if missing:
        yield "body", _("There is no piece called %(name)s.", name=missing[0])
    if is_piece and (circle := find_circle(name, text, pieces)):
        yield "body", _("A piece cannot hold itself: %(way)s.", way=" → ".join(circle))


def users_of(name: str, pieces: Mapping[str, str]) -> set[str]:
    """The piece itself and all that hold it, however deep."""
    found = {name}
    while more := {other for other, text in pieces.items() if other not in found and found.intersection(held_by(text))}:
        found |= more
    return found
