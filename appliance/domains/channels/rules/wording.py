"""A template as somebody reads it, and as WhatsApp is asked to send it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from appliance.core.filling import PLACE, filled, places
from appliance.domains.channels.rules import codes, headers
from appliance.domains.channels.rules.templates import PIECE, asked_of, is_numbered, slots_of
from appliance.domains.channels.types import Button, ButtonKind, Parts, TemplateKind

_BREAKS = re.compile(r"\s*\n\s*|\t| {4,}")
MAX_DEPTH = 3  # pieces inside pieces
MOST_INSERTED = 40_000  # characters, of all pieces of a template together
Json = dict[str, object]


@dataclass(frozen=True)
class Filled:
    """What its reader sees. `html` for a mail alone. `missing`: places with nothing in them."""

    header: str
    body: str
    footer: str
    buttons: tuple[str, ...]
    missing: tuple[str, ...]
    html: str = ""

    @property
    def text(self) -> str:
        return "\n\n".join(part for part in (self.header, self.body, self.footer) if part)


def with_pieces(text: str, pieces: Mapping[str, str], depth: int = MAX_DEPTH, room: list[int] | None = None) -> str:
    """`{{> signature}}` gives way to the piece of that name; one that nobody made, that holds itself or that no longer fits, to nothing."""
    left = [MOST_INSERTED] if room is None else room

    def put(found: re.Match[str]) -> str:
        said = pieces.get(found[1], "")
        left[0] -= len(said)
        return with_pieces(said, pieces, depth - 1, left) if left[0] >= 0 else ""

    return PIECE.sub(put if depth else "", text)


def fill(kind: TemplateKind, parts: Parts, values: Mapping[str, str]) -> Filled:
    missing = tuple(name for name in _needed(kind, parts) if not values.get(name))
    if kind is not TemplateKind.WHATSAPP:
        buttons = tuple(filled(button.text, values) for button in parts.buttons)
        return Filled(filled(parts.header, values), filled(parts.body, values), filled(parts.footer, values), buttons, missing)
    own = {name.removeprefix("header."): said for name, said in values.items() if name.startswith("header.")}
    place = ", ".join(own[name] for name in ("name", "address") if own.get(name)) if parts.media == headers.PLACE else ""
    header = place or _put(parts.header, own)
    return Filled(header, _put(parts.body, values), parts.footer, tuple(button.text for button in parts.buttons), missing)


def _needed(kind: TemplateKind, parts: Parts) -> list[str]:
    """Those without words of their own to fall back on."""
    spare = {found[1] for text in (parts.header, parts.body, parts.footer) for found in PLACE.finditer(text) if found[2]}
    return [name for name in asked_of(kind, parts) if name not in spare]


def _put(text: str, values: Mapping[str, str]) -> str:
    """As WhatsApp does it: what is not known stays to be seen, and nothing else changes."""
    return PLACE.sub(lambda found: tidy(values[found[1]]) if values.get(found[1]) else found[0], text)


def tidy(value: str) -> str:
    """Meta refuses values with line breaks, tabs or more than four spaces in a row."""
    return _BREAKS.sub(" ", value).strip()


def components_of(parts: Parts, values: Mapping[str, str]) -> list[Json]:
    """What stands in each place, as `POST /messages` wants it."""
    named = not is_numbered(parts)
    header = headers.component_of(parts, values)
    found: list[Json] = [header] if header else []
    for part, prefix, text in (("header", "header.", parts.header), ("body", "", parts.body)):
        parameters = [_parameter(name, values.get(prefix + name, ""), named=named) for name in _in_order(text)]
        if parameters:
            found.append({"type": part, "parameters": parameters})
    return [*found, *(said for index, button in enumerate(parts.buttons) if (said := _of_button(index, button, values)))]


def _of_button(index: int, button: Button, values: Mapping[str, str]) -> Json | None:
    """None where Meta is to be told nothing. What an answer by button brings back is `choice-1`, as with buttons of other messages."""
    kind, parameter = "", {}
    if button.kind is ButtonKind.REPLY:
        kind, parameter = "quick_reply", {"type": "payload", "payload": f"choice-{index + 1}"}
    elif button.kind is ButtonKind.CODE:
        kind, parameter = "url", {"type": "text", "text": values.get(codes.SLOT, "")}
    elif button.kind is ButtonKind.COPY:
        kind, parameter = "copy_code", {"type": "coupon_code", "coupon_code": values.get(codes.slot_of(index), "")}
    elif places(button.url):
        kind, parameter = "url", {"type": "text", "text": values.get(f"url.{index}", "")}
    return {"type": "button", "sub_type": kind, "index": str(index), "parameters": [parameter]} if kind else None


def _in_order(text: str) -> list[str]:
    """Numbers by number, names as they stand."""
    names = places(text)
    return sorted(names, key=int) if all(name.isdecimal() for name in names) else names


def _parameter(name: str, value: str, *, named: bool) -> Json:
    said: Json = {"type": "text", "text": tidy(value)}
    return {**said, "parameter_name": name} if named else said


def example_values(kind: TemplateKind, parts: Parts) -> dict[str, str]:
    examples = {variable.name: variable.example for variable in parts.variables if variable.example}
    shown = [(index, button) for index, button in enumerate(parts.buttons) if button.example]
    urls = {f"url.{index}": button.example for index, button in shown}
    vouchers = {codes.slot_of(index): button.example for index, button in shown}
    return {name: said for name, said in (examples | urls | vouchers).items() if name in slots_of(kind, parts)}


def is_sendable_by_us(parts: Parts) -> bool:
    """Headers and buttons of other kinds want more than this box knows."""
    return parts.media in headers.KNOWN and all(button.kind is not ButtonKind.OTHER for button in parts.buttons)


def without_pieces(parts: Parts, pieces: Mapping[str, str]) -> Parts:
    return replace(parts, body=with_pieces(parts.body, pieces), footer=with_pieces(parts.footer, pieces))
