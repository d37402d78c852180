"""What a child says of its number, and what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels import actions
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.gateways.qr.child import Child
from appliance.domains.channels.gateways.qr.inbound import members_of
from appliance.domains.channels.rules import linking, reasons
from appliance.domains.channels.types import Ending
from appliance.entrypoints import courtesies
from appliance.entrypoints.link_notes import Notes
from appliance.entrypoints.lives import Life, Over, Patience, asks_who, group_of

Answer = wire.Sent | wire.Failed | wire.Fetched


class Events:
    """Those of one child. `phone`: whose code is to be typed rather than scanned, as it is wanted now."""

    def __init__(
        self, child: Child, life: Life, notes: Notes, patience: Patience, *, leaving: bool, answer: Callable[[Answer], None]
    ) -> None:
        self._child, self._life, self._notes, self._patience = child, life, notes, patience
        self._leaving, self._answer = leaving, answer

    def ask_groups(self, events: Iterable[wire.Event]) -> None:
        """What they are called and who is in them: once a child, and again when somebody is named there long after."""
        now = time.monotonic()
        for event in events:
            chat = group_of(event)
            asked_at = self._life.groups_asked.get(chat)
            if chat and (asked_at is None or (asks_who(event) and now - asked_at >= self._patience.members)):
                self._life.groups_asked[chat] = now
                self._child.say(wire.AskGroup(chat))

    def take(self, event: wire.Event, phone: str) -> None:
        life, notes = self._life, self._notes
        match event:
            case wire.Ready():
                life.is_ready = True
                life.deadline = time.monotonic() + self._patience.opening
            case wire.Qr():
                self._take_qr(event, phone)
            case wire.Pairing():
                life.deadline = time.monotonic() + self._patience.qr
                notes.show(lambda uow: actions.show_pairing(uow, notes.channel_id, event.code))
            case wire.Paired():
                self._take_paired()
            case wire.Open():
                self._take_open(event)
            case wire.Sent() | wire.Failed() | wire.Fetched() | wire.Issuer():
                self._take_answer(event)
            case wire.StoreChanged():
                life.store_changed = True
            case wire.Group():
                notes.write(lambda uow: actions.note_group(uow, notes.channel_id, event.chat, event.name, members_of(event)))
            case wire.Typing():
                courtesies.show_contact(notes.box, notes.tenant_id, notes.channel_id, event)
            case _:
                self._take_end(event)

    def _take_qr(self, event: wire.Qr, phone: str) -> None:
        life, now = self._life, time.monotonic()
        life.last_qr_by = life.last_qr_by or now + self._patience.qr
        life.qr = event
        if not life.asked_phone:
            life.deadline = min(life.last_qr_by, now + event.seconds + self._patience.grace)
        if not phone:
            self._notes.show(lambda uow: actions.show_qr(uow, self._notes.channel_id, event.code, event.seconds))

    def _take_paired(self) -> None:
        life = self._life
        life.deadline, life.qr = time.monotonic() + self._patience.opening, None
        self._notes.keep_store(life)
        self._notes.show(lambda uow: actions.show_connecting(uow, self._notes.channel_id))

    def _take_open(self, event: wire.Open) -> None:
        life = self._life
        self._notes.keep_store(life)
        if self._leaving or life.farewell is not None:
            self._log_out()
        elif life.is_new and event.is_business:
            life.unproven, life.deadline = event, time.monotonic() + self._patience.opening
            self._child.say(wire.AskIssuer())
        else:
            self._show_open(event)

    def _take_issuer(self, event: wire.Issuer) -> None:
        life = self._life
        if linking.is_verified(event.issuer):
            life.farewell = Over(ending=Ending.BUSINESS, reason=event.name)
            self._log_out()
        elif life.unproven is not None:
            self._show_open(life.unproven)

    def _log_out(self) -> None:
        self._life.deadline = time.monotonic() + self._patience.farewell
        self._child.say(wire.LogOut())

    def _show_open(self, event: wire.Open) -> None:
        life = self._life
        life.is_open, life.is_new, life.unproven = True, False, None
        life.opened_at = life.noted_at = time.monotonic()
        self._notes.show(lambda uow: actions.note_open(
            uow, self._notes.channel_id, jid=event.jid, lid=event.lid, push_name=event.push_name,
        ))  # fmt: skip

    def _take_answer(self, event: Answer | wire.Issuer) -> None:
        if isinstance(event, wire.Issuer):
            self._take_issuer(event)
        elif isinstance(event, wire.Failed) and event.id == "pair":
            self._life.over = Over(reason=event.error, ending=Ending.EXPIRED)
        elif isinstance(event, wire.Failed) and event.id == "logout":
            self._life.over = Over(reason=event.error)
        elif isinstance(event, wire.Failed) and event.id == "issuer":
            self._life.over = Over(reason=_("WhatsApp did not say whether this business number is verified. It is asked again."))
        else:
            self._answer(event)

    def _take_end(self, event: wire.Event) -> None:
        match event:
            case wire.LoggedOut():
                ending = linking.ending_of(event.code) or Ending.LOGGED_OUT
                self._life.over = self._life.farewell or Over(event.code, event.reason, ending)
            case wire.Banned():
                why = linking.BANS.get(event.code, event.reason)
                self._life.over = Over(reasons.DisconnectReason.BANNED_FOR_NOW, why, Ending.BANNED, event.seconds)
            case wire.Outdated():
                self._life.over = Over(reasons.DisconnectReason.OUTDATED, "outdated", Ending.OUTDATED)
            case wire.Closed():
                self._take_closed(event)

    def _take_closed(self, event: wire.Closed) -> None:
        life, notes, ending = self._life, self._notes, linking.ending_of(event.code)
        life.is_open, life.unproven = False, None
        if event.final or ending is not None:
            life.over = Over(event.code, event.reason, ending)
            return
        life.deadline = time.monotonic() + self._patience.reopening
        notes.show(lambda uow: actions.note_closed(uow, notes.channel_id, event.code, event.reason, attempt=0, retry_at=None))
