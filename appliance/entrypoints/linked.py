"""One linked number: its child is started, listened to, asked, and ended. A thread each; what it learns goes into the database at once."""

from __future__ import annotations

import secrets
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import clock
from appliance.core.box import Box
from appliance.core.errors import Unavailable
from appliance.core.outbound import NotAllowed
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import actions, queries
from appliance.domains.channels.actions.envelopes import PASSING
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.gateways.qr.child import Child, ChildGone
from appliance.domains.channels.gateways.qr.inbound import KEPT
from appliance.domains.channels.gateways.qr.rooms import Room
from appliance.domains.channels.rules import linking, reasons
from appliance.domains.channels.types import Ending

log = structlog.get_logger()
HOST = "web.whatsapp.com"
AWAY_S = 0.5  # between two tries to write
LAST_TRIES = 4  # of what is to be written, once it is to stop
UNTOLD_S = 60.0  # a link whose end cannot be written either is not begun again sooner


class NotWritten(Exception):
    """The database refuses it, or is away while the link is to stop. What was heard stays in the room."""


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for what must come; tests wait less."""

    look: float = 1.0
    start: float = 60.0
    qr: float = linking.QR_DEADLINE.total_seconds()
    opening: float = 90.0
    reopening: float = 120.0
    ping: float = 20.0
    silence: float = 60.0
    farewell: float = 20.0
    glance: float = 0.25
    burst: float = 1.0
    grace: float = 10.0
    retries: float = 1.0  # times as long as usual
    steady: float = 60.0  # open for so long, its troubles are over


@dataclass(frozen=True)
class Over:
    """How a child's life ended: for good, or with a code that says how to go on."""

    code: int = 0
    reason: str = ""
    ending: Ending | None = None


@dataclass
class Life:
    """What is known of the child that runs now."""

    deadline: float
    heard_at: float
    pinged_at: float
    noted_at: float
    stored_at: float = 0.0
    store_changed: bool = False
    is_ready: bool = False
    is_open: bool = False
    opened_at: float | None = None
    qr: wire.Qr | None = None
    last_qr_by: float = 0.0
    asked_phone: str = ""
    letters: list[str] = field(default_factory=list)
    told: int = 0  # letters that came from this child
    farewell: Over | None = None  # what it ends with once the phone was told, or could not be
    over: Over | None = None


class Link(threading.Thread):
    def __init__(self, box: Box, tenant_id: UUID, channel_id: UUID, *, driver: str, patience: Patience, leaving: bool) -> None:
        super().__init__(name=f"link-{channel_id.hex[-6:]}", daemon=True)
        self.box, self.tenant_id, self.channel_id = box, tenant_id, channel_id
        self.leaving = leaving
        self.phone = ""
        self.child: Child | None = None
        self._driver, self._patience = driver, patience
        self._stop_asked = threading.Event()
        self._life: Life | None = None
        self.room = Room(box.settings, channel_id)
        self._waiters: dict[str, SimpleQueue[wire.Event | None]] = {}

    # what others ask, from their threads

    @property
    def is_open(self) -> bool:
        return self._life is not None and self._life.is_open

    def stop(self) -> None:
        self._stop_asked.set()

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

    # its own thread

    def run(self) -> None:
        try:
            self._keep_up()
        except NotWritten:
            if not self._stop_asked.is_set():
                self._give_up()

    def _keep_up(self) -> None:
        attempt = deaf = 0
        while not self._stop_asked.is_set():
            try:
                over = self._live()
            except ChannelNotFound:
                return
            except SQLAlchemyError as err:
                log.warning("link_without_database", channel=self.channel_id.hex, error=type(err).__name__)
                self._stop_asked.wait(1.0)
                continue
            attempt = 1 if self._was_steady() else attempt + 1
            deaf = 0 if self._life is not None and self._life.is_ready else deaf + 1
            if over.ending is None and deaf >= linking.MAX_DEAF:
                over = Over(reason=over.reason, ending=Ending.NO_LIBRARY)
            if not self._goes_on(over, attempt):
                return

    def _was_steady(self) -> bool:
        """A link that opens and breaks at once is no better than one that does not open."""
        opened_at = self._life.opened_at if self._life is not None else None
        return opened_at is not None and time.monotonic() - opened_at >= self._patience.steady

    def _goes_on(self, over: Over, attempt: int) -> bool:
        """Waits for the next try, or writes down why there is none."""
        if self._stop_asked.is_set() or over.ending is not None or self.leaving:
            self._write(lambda uow: self._end(uow, over))
            return False
        usual = linking.retry_after(attempt, over.code, secrets.randbelow(1000) / 1000)
        if usual is None:
            self._write(lambda uow: actions.end_link(uow, self.channel_id, Ending.GAVE_UP, code=over.code, reason=over.reason))
            return False
        wait = usual * self._patience.retries
        retry_at = clock.now() + wait
        self._write(lambda uow: actions.note_closed(
            uow, self.channel_id, over.code, over.reason, attempt=attempt, retry_at=retry_at,
        ))  # fmt: skip
        self._stop_asked.wait(wait.total_seconds())
        return True

    def _end(self, uow: UnitOfWork, over: Over) -> None:
        if over.ending is not None and not self.leaving:
            actions.end_link(uow, self.channel_id, over.ending, code=over.code, reason=over.reason)
        if over.ending is None and not self.leaving:
            actions.note_stopped(uow, self.channel_id)
        if self.leaving or over.ending in (Ending.LOGGED_OUT, Ending.BUSINESS):
            actions.forget_keys(uow, self.channel_id)

    def _write(self, change: Callable[[UnitOfWork], object]) -> None:
        """In a unit of its own, again while the database is away: what happened stays true. Raises NotWritten."""
        last_tries = 0
        while True:
            try:
                with self.box.unit(self.tenant_id) as uow:
                    change(uow)
            except ChannelNotFound:
                return  # it was deleted, and with it all that could be written down
            except PASSING as err:
                log.warning("link_not_written", channel=self.channel_id.hex, error=type(err).__name__)
                last_tries += self._stop_asked.is_set()
                if last_tries >= LAST_TRIES:
                    raise NotWritten from err
                time.sleep(AWAY_S)
            except SQLAlchemyError as err:
                log.warning("link_refused_by_database", channel=self.channel_id.hex, error=type(err).__name__)
                raise NotWritten from err
            else:
                return

    def _give_up(self) -> None:
        """Says why, and leaves the room as it is for the next try. Who is to take leave tries again by itself."""
        if self.leaving:
            self._stop_asked.wait(UNTOLD_S)
            return
        try:
            with self.box.unit(self.tenant_id) as uow:
                actions.end_link(uow, self.channel_id, Ending.UNWRITTEN)
        except ChannelNotFound:
            self.room.close()
        except (SQLAlchemyError, Unavailable) as err:
            log.warning("link_end_not_written", channel=self.channel_id.hex, error=type(err).__name__)
            self._stop_asked.wait(UNTOLD_S)

    def _live(self) -> Over:
        """From the child's start to its end."""
        try:
            self.box.outbound.check_allowed(HOST)
        except NotAllowed as err:
            return Over(reason=str(err), ending=Ending.SEALED)
        with self.box.unit(self.tenant_id, read_only=True) as uow:
            link = queries.get_link(uow, self.channel_id)
            sealed, self.phone = link.store, link.pairing_phone or ""
        self._show(lambda uow: actions.show_connecting(uow, self.channel_id))
        self.room.open(sealed)
        now = time.monotonic()
        life = self._life = Life(now + self._patience.start, now, now, now, stored_at=now)
        life.letters = _letters(self.room.unheard())  # of a supervisor that was killed
        self._keep_letters(life)
        child = self.child = Child(self.room.store, driver=self._driver, complaints=self.box.settings.logs.level == "debug")
        try:
            while life.over is None and not (self._stop_asked.is_set() and not self.leaving):
                self._turn(child, life)
        except (ChildGone, wire.BadLine) as err:
            said = "the child ended" if isinstance(err, ChildGone) else "the child spoke nonsense"
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
        life.letters += _letters(self.room.unheard())
        try:
            self._keep_letters(life)
        finally:
            if life.over is None or life.over.ending not in (Ending.LOGGED_OUT, Ending.BUSINESS):
                self._keep_store(life)
        self.room.close()

    def _turn(self, child: Child, life: Life) -> None:
        """Hear what there is, for a moment at most, then do what is due."""
        if select.select([child.socket], [], [], self._patience.glance)[0]:
            lines = child.hear()
            life.heard_at = time.monotonic()
            events = [wire.decode_event(line) for line in lines]
            life.letters += _letters(lines)
            life.told += sum(isinstance(event, KEPT) for event in events)
            if self._keep_letters(life):
                child.say(wire.Kept(life.told))
            for event in events:
                self._take(child, life, event)
        self._do_what_is_due(child, life)

    def _keep_letters(self, life: Life) -> bool:
        """Committed before anything else is heard: from then on it is ours, and the child need not remember it."""
        if not life.letters:
            return False
        self._write(lambda uow: actions.keep_envelopes(uow, self.channel_id, life.letters))
        life.letters = []
        return True

    def _keep_store(self, life: Life) -> None:
        sealed = self.room.snapshot()
        if sealed is not None:
            self._write(lambda uow: actions.keep_store(uow, self.channel_id, sealed))
        life.store_changed, life.stored_at = False, time.monotonic()

    def _do_what_is_due(self, child: Child, life: Life) -> None:
        now = time.monotonic()
        if life.store_changed and now - life.stored_at >= self._patience.burst:
            self._keep_store(life)
        if now - life.pinged_at >= self._patience.ping:
            child.say(wire.Ping())
            life.pinged_at = now
        if life.is_open and now - life.noted_at >= linking.ALIVE_EVERY.total_seconds():
            life.noted_at = now
            self._write(lambda uow: actions.note_alive(uow, self.channel_id))
        if life.qr is not None and self.phone != life.asked_phone:
            self._change_way(child, life)
        if now - life.heard_at > self._patience.silence:
            life.over = life.over or Over(reason="the child no longer answers")
        if not life.is_open and now > life.deadline:
            silent = Over(ending=Ending.EXPIRED) if life.qr is not None else Over(reasons.DisconnectReason.LOST, "no connection in time")
            life.over = life.over or life.farewell or silent

    def _change_way(self, child: Child, life: Life) -> None:
        """From the QR to a code typed on the phone, or back."""
        life.asked_phone, qr = self.phone, life.qr
        if self.phone:
            child.say(wire.Pair(self.phone))
        elif qr is not None:
            self._write(lambda uow: actions.show_qr(uow, self.channel_id, qr.code, qr.seconds))

    def _take(self, child: Child, life: Life, event: wire.Event) -> None:
        match event:
            case wire.Ready():
                life.is_ready = True
                life.deadline = time.monotonic() + self._patience.opening
            case wire.Qr():
                self._take_qr(life, event)
            case wire.Pairing():
                life.deadline = time.monotonic() + self._patience.qr
                self._show(lambda uow: actions.show_pairing(uow, self.channel_id, event.code))
            case wire.Paired():
                self._take_paired(life, event)
            case wire.Open():
                self._take_open(child, life, event)
            case wire.Sent() | wire.Failed() | wire.Fetched():
                self._answer(life, event)
            case wire.StoreChanged():
                life.store_changed = True
            case _:
                self._take_end(life, event)

    def _take_qr(self, life: Life, event: wire.Qr) -> None:
        now = time.monotonic()
        life.last_qr_by = life.last_qr_by or now + self._patience.qr
        life.qr = event
        if not life.asked_phone:
            life.deadline = min(life.last_qr_by, now + event.seconds + self._patience.grace)
        if not self.phone:
            self._show(lambda uow: actions.show_qr(uow, self.channel_id, event.code, event.seconds))

    def _take_paired(self, life: Life, event: wire.Paired) -> None:
        life.deadline, life.qr = time.monotonic() + self._patience.opening, None
        self._keep_store(life)
        if event.business_name:
            life.farewell = Over(ending=Ending.BUSINESS, reason=event.business_name)
            return
        self._show(lambda uow: actions.show_connecting(uow, self.channel_id))

    def _take_open(self, child: Child, life: Life, event: wire.Open) -> None:
        self._keep_store(life)
        if self.leaving or life.farewell is not None:
            life.deadline = time.monotonic() + self._patience.farewell
            child.say(wire.LogOut())
            return
        life.is_open = True
        life.opened_at = life.noted_at = time.monotonic()
        self._show(lambda uow: actions.note_open(
            uow, self.channel_id, jid=event.jid, lid=event.lid, push_name=event.push_name,
        ))  # fmt: skip

    def _answer(self, life: Life, event: wire.Sent | wire.Failed | wire.Fetched) -> None:
        if isinstance(event, wire.Failed) and event.id == "pair":
            life.over = Over(reason=event.error, ending=Ending.EXPIRED)
        elif isinstance(event, wire.Failed) and event.id == "logout":
            life.over = Over(reason=event.error)
        elif event.id in self._waiters:
            self._waiters[event.id].put(event)

    def _take_end(self, life: Life, event: wire.Event) -> None:
        match event:
            case wire.LoggedOut():
                life.over = life.farewell or Over(event.code, event.reason, Ending.LOGGED_OUT)
            case wire.Banned():
                life.over = Over(event.code, event.reason, Ending.BANNED)
            case wire.Outdated():
                life.over = Over(reasons.DisconnectReason.OUTDATED, "outdated", Ending.OUTDATED)
            case wire.Closed():
                ending = linking.ending_of(event.code)
                life.is_open = False
                if event.final or ending is not None:
                    life.over = Over(event.code, event.reason, ending)
                    return
                life.deadline = time.monotonic() + self._patience.reopening
                self._show(lambda uow: actions.note_closed(uow, self.channel_id, event.code, event.reason, attempt=0, retry_at=None))

    def _show(self, change: Callable[[UnitOfWork], object]) -> None:
        """While it takes leave nobody is told of states."""
        if not self.leaving:
            self._write(change)


def _letters(lines: list[bytes]) -> list[str]:
    """Those that are kept: groups are off."""
    told = [(line, wire.decode_event(line)) for line in lines]
    return [line.decode() for line, event in told if isinstance(event, KEPT) and not (isinstance(event, wire.Message) and event.group)]
