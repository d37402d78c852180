"""GET and POST /webhooks/whatsapp: Meta's challenge, and what people wrote to numbers of the Cloud API."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qs
from uuid import UUID

from appliance.core.box import Box
from appliance.core.errors import Forbidden
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor
from appliance.core.web.limits import RateLimits
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.cloud.admission import Admission, Doorway, admit, directory
from appliance.domains.channels.types import WHATSAPP_CLOUD
from appliance.entrypoints.grouping import GroupCommit
from appliance.entrypoints.lanes import Answer, Asked, Lane, Refusal

META = Actor("system", name=WHATSAPP_CLOUD)
VERIFY_RATE = "30/minute"
KNOWN_S = 2.0  # how long the numbers of the box are taken for known: a webhook must not cost a look-up of all
TAKEN = Answer()  # Meta looks at the status alone; a body would be a second write to the socket


class CloudLane(Lane):
    route = "/webhooks/whatsapp"

    def __init__(self, box: Box, rates: RateLimits) -> None:
        self._box = box
        self._rates = rates
        self.limit = box.settings.channels.webhook_max_kb * 1024
        self._doorways: dict[str, Doorway] = {}
        self._read_at = -KNOWN_S
        self._learning: asyncio.Task[None] | None = None
        self.group = GroupCommit(self._keep)

    def close(self) -> None:
        self.group.close()

    async def answer(self, asked: Asked) -> Answer:
        if asked.method == "POST":
            return await self._take(asked)
        if asked.method == "GET":
            return await asyncio.to_thread(self._verify, asked)
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, _("This address does not accept that method."))

    async def _take(self, asked: Asked) -> Answer:
        if time.monotonic() - self._read_at > KNOWN_S:
            await self._learn()
        admission = admit(self._doorways, asked.body, asked.headers.get(b"x-hub-signature-256", b"").decode("latin-1"))
        if admission.reasons:
            await asyncio.to_thread(self._reject, admission)
        if not admission.readable:
            raise Refusal(HTTPStatus.BAD_REQUEST, _("The body is not valid JSON."))
        for doorway, part in admission.parts:
            await self.group.add((doorway.tenant_id, doorway.channel_id), part)
        return TAKEN

    async def _learn(self) -> None:
        """Read the numbers of the box again: once for all who wait for it."""
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(asyncio.to_thread(self._read_doorways))
        await asyncio.shield(self._learning)

    def _read_doorways(self) -> None:
        with self._box.whole_box("webhook directory", read_only=True) as uow:
            found = queries.list_of_kind(uow, WHATSAPP_CLOUD)
            self._doorways = directory(
                Doorway(row.id, row.tenant_id, row.external_id, row.secrets.get("app_secret", ""), str(row.config.get("waba_id", "")))
                for row in found
            )
        self._read_at = time.monotonic()

    def _keep(self, key: tuple[UUID, UUID], parts: Sequence[str]) -> Sequence[None]:
        tenant_id, channel_id = key
        with self._box.unit(tenant_id, META) as uow:
            actions.keep_envelopes(uow, channel_id, parts)
        return [None] * len(parts)

    def _reject(self, admission: Admission) -> None:
        with self._box.unit(admission.signer.tenant_id, META) as uow:
            actions.keep_rejected(uow, admission.signer.channel_id, [(reason, admission.aside) for reason in admission.reasons])

    def _verify(self, asked: Asked) -> Answer:
        """Meta's challenge when a webhook is entered there."""
        self._rates.check(VERIFY_RATE, asked.caller, "verify_whatsapp")
        said = {name: values[0] for name, values in parse_qs(asked.query.decode("latin-1")).items()}
        given = said.get("hub.verify_token", "")
        if said.get("hub.mode") != "subscribe" or not given:
            raise Refusal(HTTPStatus.BAD_REQUEST, _("This address answers Meta's verification and webhooks."))
        with self._box.whole_box("verify webhook") as uow:
            meant = [row for row in queries.list_of_kind(uow, WHATSAPP_CLOUD) if _is(row.secrets.get("verify_token", ""), given)]
            if not meant:
                raise Forbidden(_("The verify token is not one of this box's channels."))
            actions.confirm_webhook(uow, meant)
        return Answer(said.get("hub.challenge", "").encode())


def _is(token: str, given: str) -> bool:
    return hmac.compare_digest(token.encode(), given.encode())
