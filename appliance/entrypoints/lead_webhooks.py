"""POST /webhooks/leads/<source>: a signed lead is kept before it is answered, and captured by a worker a moment later (ADR 22)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from appliance.core import clock
from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor
from appliance.core.web.limits import PER_ADDRESS, RateLimits
from appliance.domains.leads import actions, queries
from appliance.domains.leads.errors import SourceNotFound, WebhookRefused
from appliance.domains.leads.schemas import ReceiptOut
from appliance.domains.leads.types import LARGEST, Doorway, Letter, Parcel, Receipt, SourceKind
from appliance.entrypoints.grouping import GroupCommit
from appliance.entrypoints.lanes import Answer, Asked, Lane, Refusal

PREFIX = "/webhooks/leads/"
SENDER = Actor("system", name="lead_webhook")
KNOWN_S = 2.0  # how long what a source is called and reads is taken for known; its secret is looked at with each commit
MOST_KNOWN = 1000
AT_ONCE = 16 * 1024  # bytes; what is longer is read beside the loop that answers everybody


@dataclass(frozen=True)
class Door:
    """What is written together: of one source, and signed with one secret."""

    tenant_id: UUID
    source_id: UUID
    secret: str


class LeadLane(Lane):
    route = f"{PREFIX}<uuid:source_id>"
    limit = LARGEST

    def __init__(self, box: Box, rates: RateLimits) -> None:
        self._box = box
        self._rates = rates
        self._known: dict[UUID, tuple[float, Doorway]] = {}
        self.group: GroupCommit[Door, Parcel, Receipt] = GroupCommit(self._keep)

    def close(self) -> None:
        self.group.close()

    async def answer(self, asked: Asked) -> Answer:
        if asked.method != "POST":
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, _("This address does not accept that method."))
        source_id = _source_in(asked.path)
        try:
            receipt = await self._take(await self._doorway(source_id), asked)
        except (WebhookRefused, SourceNotFound):  # perhaps only by what was known of it
            receipt = await self._take_surely(source_id, asked)
        return Answer(ReceiptOut.model_validate(receipt, from_attributes=True).model_dump_json().encode(), b"application/json")

    async def _take(self, doorway: Doorway, asked: Asked) -> Receipt:
        """Raises WebhookRefused, SourceNotFound."""
        letter = _letter(asked)
        try:
            if len(asked.body) > AT_ONCE:
                parcel = await asyncio.to_thread(queries.admit, doorway, letter, clock.now())
            else:
                parcel = queries.admit(doorway, letter, clock.now())
        except (ValueError, RecursionError) as err:
            await asyncio.to_thread(self._set_aside, doorway, "malformed_json", asked.body)
            raise Refusal(HTTPStatus.BAD_REQUEST, _("The body is not valid JSON.")) from err
        door = Door(doorway.tenant_id, doorway.source_id, doorway.secrets[queries.SECRET])
        return await self.group.add(door, parcel)

    async def _take_surely(self, source_id: UUID, asked: Asked) -> Receipt:
        """With the source as it is now. What is refused is kept beside it; strangers may fill that list only so fast."""
        await asyncio.to_thread(self._rates.check, PER_ADDRESS, asked.caller, "all")
        self._known.pop(source_id, None)
        doorway = await self._doorway(source_id)
        try:
            return await self._take(doorway, asked)
        except WebhookRefused as err:
            await asyncio.to_thread(self._set_aside, doorway, err.reason, asked.body)
            raise

    async def _doorway(self, source_id: UUID) -> Doorway:
        """Raises SourceNotFound."""
        read_at, doorway = self._known.get(source_id, (0.0, None))
        if doorway is None or time.monotonic() - read_at > KNOWN_S:
            doorway = await asyncio.to_thread(self._read_doorway, source_id)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[source_id] = time.monotonic(), doorway
        return doorway

    def _read_doorway(self, source_id: UUID) -> Doorway:
        with self._box.whole_box("lead webhook", read_only=True) as uow:
            doorway = queries.find_doorway(uow, source_id)
        if doorway.kind is not SourceKind.WEBHOOK:
            raise SourceNotFound
        return doorway

    def _keep(self, door: Door, parcels: Sequence[Parcel]) -> Sequence[Receipt | WebhookRefused]:
        with self._box.unit(door.tenant_id, SENDER) as uow:
            return actions.accept_leads(uow, door.source_id, door.secret, parcels)

    def _set_aside(self, doorway: Doorway, reason: str, body: bytes) -> None:
        with self._box.unit(doorway.tenant_id, SENDER) as uow:
            actions.keep_rejected(uow, doorway.source_id, reason, body)


def _source_in(path: str) -> UUID:
    try:
        return UUID(path.removeprefix(PREFIX))
    except ValueError as err:
        raise SourceNotFound from err


def _letter(asked: Asked) -> Letter:
    def said(name: bytes) -> str:
        return asked.header(name)[:200]

    return Letter(asked.body, said(b"x-timestamp"), said(b"x-signature"), said(b"x-event-id"), said(b"x-nonce"))
