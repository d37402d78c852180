"""POST /webhooks/email/<channel>: a signed mail is kept before it is answered, and read by a worker a moment later (ADR 21)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from io import BytesIO
from uuid import UUID

from appliance.core import clock, files
from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.core.signatures import WebhookRefused
from appliance.core.uow import Actor
from appliance.core.web.limits import PER_ADDRESS, RateLimits
from appliance.domains.channels import actions, queries
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.gateways.email import admission
from appliance.domains.channels.gateways.email.admission import Letter, Letterbox, NoMail, Receipt
from appliance.domains.channels.gateways.email.filing import largest_mail
from appliance.domains.channels.schemas import PostReceiptOut
from appliance.entrypoints.grouping import GroupCommit
from appliance.entrypoints.lanes import Answer, Asked, Lane, Refusal

PREFIX = queries.POSTING_PATH
SENDER = Actor("system", name="mail_webhook")


class MailLane(Lane):
    route = f"{PREFIX}<uuid:channel_id>"

    def __init__(self, box: Box, rates: RateLimits) -> None:
        self._box = box
        self._rates = rates
        self.limit = largest_mail(box)
        self.group: GroupCommit[Letterbox, Letter, Receipt] = GroupCommit(self._keep)

    def close(self) -> None:
        self.group.close()

    async def knock(self, asked: Asked) -> None:
        """A mail may be large: nobody sends one to an address that is none."""
        if asked.method != "POST":
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, _("This address does not accept that method."))
        await asyncio.to_thread(self._letterbox, asked)

    async def answer(self, asked: Asked) -> Answer:
        letterbox = await asyncio.to_thread(self._letterbox, asked)
        letter = await asyncio.to_thread(self._store, letterbox, asked)
        receipt = await self.group.add(letterbox, letter)
        if not receipt.is_new:
            await asyncio.to_thread(files.give_up, self._box, letterbox.tenant_id, letter.file_id)
        said = PostReceiptOut(id=receipt.id, state="read" if receipt.is_read else "waiting")
        return Answer(said.model_dump_json().encode(), b"application/json")

    def _letterbox(self, asked: Asked) -> Letterbox:
        """Raises ChannelNotFound; of those who guess, TooMany."""
        try:
            with self._box.whole_box("mail webhook", read_only=True) as uow:
                return queries.get_letterbox(uow, _channel_in(asked.path))
        except ChannelNotFound:
            self._rates.check(PER_ADDRESS, asked.caller, "all")
            raise

    def _store(self, letterbox: Letterbox, asked: Asked) -> Letter:
        """Raises WebhookRefused, Refusal, Unavailable; what was refused is put aside."""
        stamp, signature = asked.header(b"x-timestamp")[:40], asked.header(b"x-signature")[:200]
        try:
            mail = admission.admit(letterbox, asked.body, signature=signature, timestamp=stamp, now=clock.now())
        except WebhookRefused as err:
            self._rates.check(PER_ADDRESS, asked.caller, "all")
            self._set_aside(letterbox, err.reason, asked.body)
            raise
        except NoMail as err:
            self._set_aside(letterbox, "no_mail", asked.body)
            raise Refusal(HTTPStatus.BAD_REQUEST, _("The body is not a mail. Send it as it came, with its head.")) from err
        ref = files.put(self._box, letterbox.tenant_id, BytesIO(mail), files.Origin.ARRIVED, by=SENDER)
        return Letter(ref.id, ref.sha256, admission.sender_of(mail))

    def _keep(self, letterbox: Letterbox, letters: Sequence[Letter]) -> Sequence[Receipt]:
        with self._box.unit(letterbox.tenant_id, SENDER) as uow:
            return actions.keep_letters(uow, letterbox, letters)

    def _set_aside(self, letterbox: Letterbox, reason: str, body: bytes) -> None:
        text = body[:65_536].decode("utf-8", "replace").replace("\x00", "")
        with self._box.unit(letterbox.tenant_id, SENDER) as uow:
            actions.keep_rejected(uow, letterbox.channel_id, [(reason, text)])


def _channel_in(path: str) -> UUID:
    try:
        return UUID(path.removeprefix(PREFIX))
    except ValueError as err:
        raise ChannelNotFound from err
