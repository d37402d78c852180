"""Before the 200: is it signed, can it be read, whose is it. What it says is read later, from the envelope."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from appliance.core import signatures
from appliance.core.errors import Unauthenticated
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.cloud import addressing

MAX_CHANGES = 1000  # Meta sends no more updates in one webhook
MAX_BRACKETS = 50_000  # some ten for each update; who signs may still not hold the process that answers everybody
UNREADABLE = ("malformed_json",)
_NAMED = re.compile(rb'"phone_number_id"\s*:\s*"(\d+)"')


@dataclass(frozen=True)
class Doorway:
    """What must be known of a number before its tenant's unit of work may be opened."""

    channel_id: UUID
    tenant_id: UUID
    external_id: str
    app_secret: str
    account_id: str = ""


@dataclass(frozen=True)
class Admission:
    """A webhook whose signature is good: what of it is to be kept for whom, and why some of it is of no use.

    `aside` is what the signer may see of it then.
    """

    signer: Doorway
    parts: tuple[tuple[Doorway, str], ...] = ()
    reasons: tuple[str, ...] = ()
    aside: str = ""
    readable: bool = True


Doorways = Mapping[str, Doorway]  # by phone number id, and by the account that the number belongs to


def directory(found: Iterable[Doorway]) -> dict[str, Doorway]:
    """Of numbers that share an account the first hears for all what names no number."""
    known = {doorway.external_id: doorway for doorway in found}
    for doorway in list(known.values()):
        if doorway.account_id:
            known.setdefault(addressing.account_end(doorway.account_id), doorway)
    return known


def admit(doorways: Doorways, body: bytes, header: str) -> Admission:
    """Raises Unauthenticated."""
    if not signatures.is_well_formed(header):
        raise Unauthenticated(_("The webhook is not signed."))
    signer = _signer(doorways, body, header)
    if signer is None:
        raise Unauthenticated(_("The webhook is not signed with the app secret of any channel."))
    text, payload = _read(body)
    numbers = [] if payload is None else addressing.ends_of(payload)
    if payload is None or addressing.is_too_deep(text, payload):
        return Admission(signer, reasons=UNREADABLE, aside=body.decode("utf-8", "replace"), readable=False)
    if 0 < len(numbers) <= MAX_CHANGES and set(numbers) == {signer.external_id}:
        return Admission(signer, ((signer, text),))
    return _divide(doorways, signer, payload, numbers)


def _read(body: bytes) -> tuple[str, dict[str, Any] | None]:
    """None when nobody could read it."""
    if body.count(b"[") + body.count(b"{") > MAX_BRACKETS:
        return "", None
    try:
        text = body.decode()
        found = json.loads(text)
    except (ValueError, RecursionError):
        return "", None
    return text, found if isinstance(found, dict) else None


def _signer(doorways: Doorways, body: bytes, header: str) -> Doorway | None:
    """The number under whose app secret the body is signed: one of those it names, else any of the box.

    The names are found without reading the body: that takes a hundred times as long, and anybody may post here.
    """
    named = (number.decode() for number in _NAMED.findall(body))
    tried: set[str] = set()
    for external_id in dict.fromkeys((*named, *doorways)):
        doorway = doorways.get(external_id)
        if doorway is None or doorway.app_secret in tried:
            continue
        if signatures.is_signed(doorway.app_secret, body, header):
            return doorway
        tried.add(doorway.app_secret)
    return None


def _divide(doorways: Doorways, signer: Doorway, payload: dict[str, Any], numbers: Sequence[str]) -> Admission:
    """Each number gets its own part, so that no organisation keeps what was said to another."""
    parts, reasons = [], set()
    for number in dict.fromkeys(numbers[:MAX_CHANGES]):
        doorway = doorways.get(number)
        if doorway is None or doorway.app_secret != signer.app_secret:
            reasons.add("unknown_number")
        else:
            parts.append((doorway, json.dumps(addressing.where(payload, partial(_is_about, number)))))
    if not numbers:
        reasons.add("unknown_shape")
    if len(numbers) > MAX_CHANGES:
        reasons.add("too_many_changes")
    return Admission(signer, tuple(parts), tuple(sorted(reasons)), _aside(doorways, signer, payload) if reasons else "")


def _is_about(wanted: str, place: int, number: str) -> bool:
    return place < MAX_CHANGES and number == wanted


def _aside(doorways: Doorways, signer: Doorway, payload: dict[str, Any]) -> str:
    """What nobody takes in, without what was said to other organisations, which one app of Meta may serve as well."""

    def is_left(place: int, number: str) -> bool:
        doorway = doorways.get(number)
        if doorway is None or doorway.app_secret != signer.app_secret:
            return True
        return place >= MAX_CHANGES and doorway.tenant_id == signer.tenant_id

    return json.dumps(addressing.where(payload, is_left) if addressing.ends_of(payload) else payload)
