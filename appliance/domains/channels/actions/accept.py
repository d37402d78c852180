"""Before the 200: is it signed, can it be read, whose is it. What it says is read later, from the envelope."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from appliance.core.errors import Unauthenticated
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.channels.events import WebhooksAccepted
from appliance.domains.channels.gateways.cloud import addressing
from appliance.domains.channels.gateways.directory import Directory
from appliance.domains.channels.rules import signature
from appliance.domains.channels.tables import Envelope
from appliance.domains.channels.types import Admission, Doorway

MAX_CHANGES = 1000  # Meta sends no more updates in one webhook
BODIES_AN_ENVELOPE = 32  # read in one transaction later, while others wait to write
UNREADABLE = ("malformed_json",)


def admit_webhook(directory: Directory, body: bytes, header: str) -> Admission:
    """Touches no database. Raises Unauthenticated."""
    if not signature.is_well_formed(header):
        raise Unauthenticated(_("The webhook is not signed."))
    text, payload = _read(body)
    numbers = [] if payload is None else addressing.numbers_of(payload)
    signer = directory.signer(dict.fromkeys(numbers), body, header)
    if signer is None:
        raise Unauthenticated(_("The webhook is not signed with the app secret of any channel."))
    if payload is None or addressing.is_too_deep(text, payload):
        return Admission(signer, reasons=UNREADABLE, aside=body.decode("utf-8", "replace"), readable=False)
    if 0 < len(numbers) <= MAX_CHANGES and set(numbers) == {signer.external_id}:
        return Admission(signer, ((signer, text),))
    return _divide(directory, signer, payload, numbers)


def _read(body: bytes) -> tuple[str, dict[str, Any] | None]:
    """None when nobody could read it."""
    try:
        text = body.decode()
        found = json.loads(text)
    except (ValueError, RecursionError):
        return "", None
    return text, found if isinstance(found, dict) else None


def _divide(directory: Directory, signer: Doorway, payload: dict[str, Any], numbers: Sequence[str]) -> Admission:
    """Each number gets its own part, so that no organisation keeps what was said to another."""
    parts, reasons = [], set()
    for number in dict.fromkeys(numbers[:MAX_CHANGES]):
        doorway = directory.find(number)
        if doorway is None or doorway.app_secret != signer.app_secret:
            reasons.add("unknown_number")
        else:
            parts.append((doorway, json.dumps(addressing.where(payload, partial(_is_about, number)))))
    if not numbers:
        reasons.add("unknown_shape")
    if len(numbers) > MAX_CHANGES:
        reasons.add("too_many_changes")
    return Admission(signer, tuple(parts), tuple(sorted(reasons)), _aside(directory, signer, payload) if reasons else "")


def _is_about(wanted: str, place: int, number: str) -> bool:
    return place < MAX_CHANGES and number == wanted


def _aside(directory: Directory, signer: Doorway, payload: dict[str, Any]) -> str:
    """What nobody takes in, without what was said to other organisations, which one app of Meta may serve as well."""

    def is_left(place: int, number: str) -> bool:
        doorway = directory.find(number)
        if doorway is None or doorway.app_secret != signer.app_secret:
            return True
        return place >= MAX_CHANGES and doorway.tenant_id == signer.tenant_id

    return json.dumps(addressing.where(payload, is_left) if addressing.numbers_of(payload) else payload)


def keep_envelopes(uow: UnitOfWork, channel_id: UUID, bodies: Sequence[str]) -> None:
    """Accept webhooks of one channel: once this is committed they are ours."""
    for start in range(0, len(bodies), BODIES_AN_ENVELOPE):
        some = list(bodies[start:start + BODIES_AN_ENVELOPE])
        uow.session.add(Envelope(tenant_id=uow.tenant_id, channel_id=channel_id, bodies=some, received_at=uow.now))
        uow.emit(WebhooksAccepted(channel_id))
