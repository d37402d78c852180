"""The emergency kit on paper: one page a share, in both languages, as plain text or as a page to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from appliance.core import clock, i18n
from appliance.core.i18n import gettext as _

WORDS_A_LINE = 3


@dataclass(frozen=True)
class Printed:
    """What stands on every page of one kit."""

    box: str
    fingerprint: str
    made_at: datetime
    threshold: int
    lines: Sequence[str]


@dataclass(frozen=True)
class _Told:
    title: str
    facts: Sequence[tuple[str, str]]
    steps: Sequence[str]


def as_text(kit: Printed) -> str:
    pages = []
    for number, line in enumerate(kit.lines, 1):
        parts = []
        for told in _in_both(kit, number):
            facts = [f"{name}: {value}" for name, value in told.facts]
            parts += [told.title, "", *facts, "", *(f"{step}. {words}" for step, words in enumerate(told.steps, 1)), ""]
        words = [f"{place:2}. {word:10}" for place, word in enumerate(line.split(), 1)]
        rows = ["  ".join(words[start : start + WORDS_A_LINE]).rstrip() for start in range(0, len(words), WORDS_A_LINE)]
        pages.append("\n".join([*parts, *rows]) + "\n")
    return "\f\n".join(pages)


def as_page(kit: Printed) -> str:
    """HTML in one file: every share begins a sheet, so that a browser prints it or makes a PDF of it."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    sheets = [(list(_in_both(kit, number)), line.split()) for number, line in enumerate(kit.lines, 1)]
    return environment.get_template("kit_pages.j2").render(kit=kit, sheets=sheets)


def _in_both(kit: Printed, number: int) -> Sequence[_Told]:
    told = []
    for locale in i18n.LOCALES:
        with i18n.in_locale(locale):
            told.append(_told(kit, number))
    return told


def _told(kit: Printed, number: int) -> _Told:
    shares, needed = len(kit.lines), kit.threshold
    return _Told(
        _("SalesEdge emergency kit: share %(number)s of %(shares)s", number=number, shares=shares),
        (
            (_("Box"), kit.box),
            (_("Fingerprint of the key"), kit.fingerprint),
            (_("Made on"), f"{kit.made_at:%Y-%m-%d %H:%M} UTC"),
        ),
        (
            _("Any %(needed)s of the %(shares)s shares of this kit give back the key to all data of the box. Fewer tell nothing.",
              needed=needed, shares=shares),
            _("Keep this sheet where neither the box nor another share is. Give no copy of it to anybody."),
            _("When the key is lost: bring %(needed)s shares together at the box and run `salesedge keys recover`.", needed=needed),
            _("Type the words in their order. The box says which share has a mistake."),
        ),
    )  # fmt: skip


def made_now(box: str, fingerprint: str, threshold: int, lines: Sequence[str]) -> Printed:
    return Printed(box, fingerprint, clock.now(), threshold, lines)
