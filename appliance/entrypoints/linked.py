"""One linked number: its child is started, listened to, asked, and ended. A thread each; what it learns goes into the database at once."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import clock
from appliance.core.backoff import chance
from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import NotAllowed, note
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import actions, queries
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.gateways.qr.child import Child, ChildGone
from appliance.domains.channels.gateways.qr.inbound import KEPT
from appliance.domains.channels.gateways.qr.lines import BadLine
from appliance.domains.channels.gateways.qr.rooms import Room
from appliance.domains.channels.rules import linking, reasons
from appliance.domains.channels.types import Ending
from appliance.entrypoints.link_events import Answer, Events
from appliance.entrypoints.link_notes import Notes, NotWritten
from appliance.entrypoints.lives import Life, Over, Patience, letters_of

log = structlog.get_logger()
HOST = "web.whatsapp.com"


class Link(threading.Thread):
    def __init__(self, box: Box, tenant_id: UUID, channel_id: UUID, *, driver: str, patience: Patience, leaving: bool) -> None:
        super().__init__(name=f"link-{channel_id.hex[-6:]}", daemon=True)
        self.box, self.tenant_id, self.channel_id = box, tenant_id, channel_id
        self.leaving = leaving
        self.phone, self.takes_groups = "", False
        self.asked_at: datetime | None = None
        self.child: Child | None = None
        self._driver, self._patience = driver, patience
        self._stop_asked, self._woken = threading.Event(), threading.Event()
        self._life: Life | None = None
        self.room = Room(box.settings, channel_id)
        self._notes = Notes(box, tenant_id, channel_id, self.room, leaving=leaving, stop_asked=self._stop_asked)
        self._waiters: dict[str, SimpleQueue[wire.Event | None]] = {}

    # what others ask, from their threads

    @property
    def is_open(self) -> bool:
        return self._life is not None and self._life.is_open

    def stop(self) -> None:
        self._stop_asked.set()
        self._woken.set()

    def hurry(self, asked_at: datetime | None) -> None:
        """Somebody may not want to wait for the next try: those before count no more, and one that is under way is not the last."""
        if asked_at != self.asked_at:
            self.asked_at = asked_at
            self._woken.set()

    def ask(self, command: wire.Send | wire.Fetch, *, timeout_s: float) -> wire.Event | None:
        """None when no answer came. Raises ChildGone when there was nobody to ask."""
        child = self.child
        if child is None or not self.is_open:
            raise ChildGone
        waiter: SimpleQueue[wire.Event | None] = SimpleQueue()
        self._waiters[command.id] = waiter
        try:
            child.say(command)
            return waiter.get(timeout=timeout_s)
        except Empty:
            return None
        finally:
            self._waiters.pop(command.id, None)

    def _answer(self, event: Answer) -> None:
        if event.id in self._waiters:
            self._waiters[event.id].put(event)

    def tell(self, command: wire.ShowTyping | wire.MarkRead | wire.Attend) -> bool:
        """What is lost without harm: nothing answers it. False when there was nobody to tell."""
        child = self.child
        if child is None or not self.is_open:
            return False
        try:
            child.say(command)
        except ChildGone:
            return False
        return True

    # its own thread

    def run(self) -> None:
        try:
            self._keep_up()
        except NotWritten:
            if not self._stop_asked.is_set():
                self._notes.give_up()

    def _keep_up(self) -> None:
        attempt = deaf = 0
        while not self._stop_asked.is_set():
            if self._woken.is_set():
                self._woken.clear()
                attempt = 0
            try:
                over = self._live()
            except ChannelNotFound:
                return
            except SQLAlchemyError as err:
                log.warning("link_without_database", channel=self.channel_id.hex, error=type(err).__name__)
                self._stop_asked.wait(1.0)
                continue
            attempt = 1 if self._was_steady() or self._woken.is_set() else attempt + 1
            deaf = 0 if self._life is not None and self._life.is_ready else deaf + 1
            if over.ending is None and deaf >= linking.MAX_DEAF:
                over = self._without_library(over)
            if not self._goes_on(over, attempt):
                return

    def _was_steady(self) -> bool:
        """A link that opens and breaks at once is no better than one that does not open."""
        opened_at = self._life.opened_at if self._life is not None else None
        return opened_at is not None and time.monotonic() - opened_at >= self._patience.steady

    def _without_library(self, over: Over) -> Over:
        """Who stands in front of a new number is told at once; a linked one goes on, ever more seldom, until the library is back."""
        if self._life is not None and self._life.is_new:
            return Over(reason=over.reason, ending=Ending.NO_LIBRARY)
        return Over(over.code, linking.SENTENCES[Ending.NO_LIBRARY])

    def _goes_on(self, over: Over, attempt: int) -> bool:
        """Waits for the next try, or writes down why there is none."""
        if self.leaving:
            return self._leaves_again(over, attempt)
        if self._stop_asked.is_set() or over.ending is not None:
            return self._is_asked_anew(over)
        wait = linking.retry_after(attempt, over.code, chance()) * self._patience.retries
        retry_at = clock.now() + wait
        self._notes.write(lambda uow: actions.note_closed(
            uow, self.channel_id, over.code, over.reason, attempt=attempt, retry_at=retry_at,
        ))  # fmt: skip
        if not self._stop_asked.is_set():
            self._woken.wait(wait.total_seconds())
        if self._stop_asked.is_set():
            self._notes.write(lambda uow: actions.note_stopped(uow, self.channel_id))
        return True

    def _leaves_again(self, over: Over, attempt: int) -> bool:
        """Until the phone was told or it is too late; whoever takes over from a supervisor that stops goes on."""
        if over.keys_are_void:
            self._notes.write(lambda uow: actions.forget_keys(uow, self.channel_id))
        if over.keys_are_void or self._stop_asked.is_set():
            return False
        wait = linking.leave_again_after(attempt, chance()) * self._patience.retries
        retry_at, goes_on = clock.now() + wait, False

        def put_off(uow: UnitOfWork) -> None:
            nonlocal goes_on
            goes_on = actions.put_off_leaving(uow, self.channel_id, over.reason, attempt=attempt, retry_at=retry_at)

        self._notes.write(put_off)
        return goes_on and not self._stop_asked.wait(wait.total_seconds())

    def _is_asked_anew(self, over: Over) -> bool:
        """Writes down why it ends, unless somebody wanted it again in the last moment of a code that nobody scanned."""
        goes_on = False

        def end(uow: UnitOfWork) -> None:
            nonlocal goes_on
            link, served = queries.lock_link(uow, self.channel_id), self._life.asked_at if self._life is not None else None
            is_asked = over.ending is Ending.EXPIRED and link.wanted and link.asked_at != served
            goes_on = is_asked and not self._stop_asked.is_set()
            if not goes_on:
                self._end(uow, Over() if is_asked else over)

        self._notes.write(end)
        return goes_on

    def _end(self, uow: UnitOfWork, over: Over) -> None:
        if over.ending is None:
            actions.note_stopped(uow, self.channel_id)
        else:
            until = uow.now + timedelta(seconds=over.lasts_s) if over.lasts_s > 0 else None
            actions.end_link(uow, self.channel_id, over.ending, code=over.code, reason=over.reason, until=until)
        if over.keys_are_void:
            actions.forget_keys(uow, self.channel_id)

    def _live(self) -> Over:
        """From the child's start to its end."""
        try:
            self.box.outbound.check_allowed(HOST)
        except NotAllowed as err:
            return Over(reason=err, ending=Ending.SEALED)
        note("whatsapp link", HOST, "admitted", time.perf_counter())
        with self.box.unit(self.tenant_id, read_only=True) as uow:
            link = queries.get_link(uow, self.channel_id)
            sealed, self.phone, is_new, asked_at = link.store, link.pairing_phone or "", not link.is_linked, link.asked_at
        self._notes.show(lambda uow: actions.show_connecting(uow, self.channel_id))
        self.room.open(sealed)
        now = time.monotonic()
        life = self._life = Life(now + self._patience.start, now, now, now, stored_at=now, is_new=is_new, asked_at=asked_at)
        self._sort(life, self.room.unheard())  # of a supervisor that was killed
        self._notes.keep_letters(life)
        child = self.child = Child(self.room.store, driver=self._driver, complaints=self.box.settings.logs.level == "debug")
        heard = Events(child, life, self._notes, self._patience, leaving=self.leaving, answer=self._answer)
        try:
            while life.over is None and not (self._stop_asked.is_set() and not self.leaving):
                self._turn(child, life, heard)
        except (ChildGone, BadLine) as err:
            said = _("The child ended.") if isinstance(err, ChildGone) else _("The child spoke nonsense.")
            life.over = life.over or life.farewell or Over(reason=said)
        finally:
            self._take_leave(child, life)
        return life.over or Over()

    def _take_leave(self, child: Child, life: Life) -> None:
        life.is_open, self.child = False, None
        code = child.end()
        log.info("child_ended", channel=self.channel_id.hex, code=code)
        for waiter in list(self._waiters.values()):
            waiter.put(None)
        self._sort(life, self.room.unheard())
        try:
            self._notes.keep_letters(life)
            self._notes.count_left_out(life)
        finally:
            if life.over is None or not life.over.keys_are_void:
                self._notes.keep_store(life)
        self.room.close()

    def _turn(self, child: Child, life: Life, heard: Events) -> None:
        """Hear what there is, for a moment at most, then do what is due."""
        if select.select([child.socket], [], [], self._patience.glance)[0]:
            lines = child.hear()
            life.heard_at = time.monotonic()
            events = [wire.decode_event(line) for line in lines]
            self._sort(life, lines)
            told = sum(isinstance(event, KEPT) for event in events)
            self._notes.keep_letters(life)
            if told:  # also what is left out: the child need not remember it
                life.told += told
                child.say(wire.Kept(life.told))
            heard.ask_groups(events if self.takes_groups else ())
            for event in events:
                heard.take(event, self.phone)
        self._do_what_is_due(child, life)

    def _sort(self, life: Life, lines: Iterable[bytes]) -> None:
        letters, left_out = letters_of(lines, takes_groups=self.takes_groups)
        life.letters += letters
        life.left_out += left_out

    def _do_what_is_due(self, child: Child, life: Life) -> None:
        now = time.monotonic()
        if life.store_changed and now - life.stored_at >= self._patience.burst:
            self._notes.keep_store(life)
        if now - life.pinged_at >= self._patience.ping:
            child.say(wire.Ping())
            life.pinged_at = now
        if life.is_open and now - life.noted_at >= linking.ALIVE_EVERY.total_seconds():
            life.noted_at = now
            self._notes.write(lambda uow: actions.note_alive(uow, self.channel_id))
            self._notes.count_left_out(life)
        if life.qr is not None and self.phone != life.asked_phone:
            self._change_way(child, life)
        if now - life.heard_at > self._patience.silence:
            life.over = life.over or Over(reason=_("The child no longer answers."))
        if not life.is_open and now > life.deadline:
            late = Over(reasons.DisconnectReason.LOST, _("No connection in time."))
            life.over = life.over or life.farewell or (Over(ending=Ending.EXPIRED) if life.qr is not None else late)

    def _change_way(self, child: Child, life: Life) -> None:
        """From the QR to a code typed on the phone, or back."""
        life.asked_phone, life.asked_at, qr = self.phone, self.asked_at, life.qr
        if self.phone:
            life.deadline = max(life.deadline, time.monotonic() + self._patience.grace)
            child.say(wire.Pair(self.phone))
        elif qr is not None:
            self._notes.write(lambda uow: actions.show_qr(uow, self.channel_id, qr.code, qr.seconds))
