"""Watches over mailboxes: a thread for each, which waits for the server's word and takes in what is new, one mail at a time.

They live in the scheduler, of which a box has one: without a mailbox they cost it a question in five seconds and no memory.
"""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.box import Box
from appliance.core.errors import DomainError, Unavailable
from appliance.core.rows import PASSING, SPOILS
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.email.mail import Spot
from appliance.domains.channels.types import Account

if TYPE_CHECKING:
    from appliance.domains.channels.gateways.email.imap import Fetched, Mailbox
    from appliance.domains.channels.tables import Mailbox as Place

LOOK_EVERY_S = 5.0
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 300.0
TRIES_BEFORE_TOLD = 3  # a server that is restarted is no news
NOTED_EVERY = timedelta(hours=1)
DAY = timedelta(days=1)
log = structlog.get_logger()


class Mailboxes:
    """One watch for each channel whose mailbox is to be read."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._watches: dict[UUID, Watch] = {}
        self._stop = threading.Event()

    def run(self) -> None:
        """Until it is stopped."""
        while not self._stop.is_set():
            try:
                self.look()
            except SQLAlchemyError as err:
                log.warning("mailboxes_not_read", error=type(err).__name__)
            self._stop.wait(LOOK_EVERY_S)
        for watch in self._watches.values():
            watch.stop()

    def stop(self) -> None:
        self._stop.set()

    def look(self) -> None:
        """Start what is wanted and does not run; stop what is not wanted, or is wanted otherwise."""
        with self._box.whole_box("mailboxes", read_only=True) as uow:
            wanted = {account.channel_id: account for account in queries.list_read(uow)}
        for channel_id, watch in list(self._watches.items()):
            if wanted.get(channel_id) != watch.account or not watch.is_alive():
                watch.stop()
                del self._watches[channel_id]
        for channel_id, account in wanted.items():
            if channel_id not in self._watches:
                self._watches[channel_id] = watch = Watch(self._box, account)
                watch.start()


class Watch(threading.Thread):
    """Reads one mailbox for as long as it is wanted, and comes back with patience when it cannot."""

    def __init__(self, box: Box, account: Account) -> None:
        super().__init__(name=f"mailbox-{account.channel_id.hex[-6:]}", daemon=True)
        self.account = account
        self._box = box
        self._over = threading.Event()
        self._failures = 0

    def stop(self) -> None:
        self._over.set()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self.read()
            except (DomainError, SQLAlchemyError) as err:
                self._failures += 1
                self._tell(err)
                self._over.wait(min(FIRST_WAIT_S * 2 ** min(self._failures - 1, 10), LONGEST_WAIT_S))

    def read(self) -> None:
        """One connection, from signing in until it ends. Raises what the gateway and the database raise."""
        from appliance.domains.channels.gateways.email import imap

        with imap.opened(self._box, self.account) as mailbox:
            last_uid = self._begin(mailbox)
            self._failures, noted_at = 0, time.monotonic()
            while not self._over.is_set():
                for uid in mailbox.list_after(last_uid):
                    self._take(mailbox, uid)
                    last_uid = uid
                    if self._over.is_set():
                        return
                if time.monotonic() - noted_at > NOTED_EVERY.total_seconds():
                    self._note_looked()
                    noted_at = time.monotonic()
                mailbox.wait(self._over.is_set, self._over.wait)

    def _begin(self, mailbox: Mailbox) -> int:
        """The UID behind which to read on. A mailbox never seen before is read from its next mail on."""
        account, source = self.account, _source(self.account)
        with self._box.unit(account.tenant_id, read_only=True) as uow:
            place = queries.find_mailbox(uow, account.channel_id)
        last_uid = _resume(mailbox, place, source)
        with self._box.unit(account.tenant_id) as uow:
            actions.open_mailbox(uow, account.channel_id, source=source, validity=mailbox.validity, last_uid=last_uid)
        return last_uid

    def _take(self, mailbox: Mailbox, uid: int) -> None:
        from appliance.domains.channels.gateways.email import filing

        fetched = mailbox.fetch(uid, limit=filing.largest_mail(self._box))
        if fetched is None:
            return
        spot = Spot(uid, mailbox.validity)
        try:
            self._store(spot, fetched)
        except PASSING:
            raise
        except SPOILS as err:
            log.warning("mail_spoilt", error=type(err).__name__)
            with self._box.unit(self.account.tenant_id) as uow:
                actions.put_aside_mail(uow, self.account.channel_id, spot, f"unreadable_{type(err).__name__}", fetched.raw[:65_536])

    def _store(self, spot: Spot, fetched: Fetched) -> None:
        from appliance.domains.channels.gateways.email import filing

        account = self.account
        mail, kept = filing.unpack(self._box, account, fetched.raw, arrived_at=fetched.arrived_at, is_whole=fetched.is_whole)
        with self._box.unit(account.tenant_id) as uow:
            actions.take_in_mail(uow, account.channel_id, mail, kept, spot)

    def _note_looked(self) -> None:
        with self._box.unit(self.account.tenant_id) as uow:
            actions.note_looked(uow, self.account.channel_id)

    def _tell(self, err: DomainError | SQLAlchemyError) -> None:
        log.warning("mailbox_not_read", failures=self._failures, error=type(err).__name__)
        passes = isinstance(err, Unavailable) and self._failures < TRIES_BEFORE_TOLD
        if isinstance(err, SQLAlchemyError) or passes or self._over.is_set():
            return
        try:
            with self._box.unit(self.account.tenant_id) as uow:
                actions.note_mailbox_trouble(uow, self.account.channel_id, err)
        except (DomainError, SQLAlchemyError) as second:  # deleted meanwhile, or nobody can be told
            log.warning("mailbox_trouble_not_kept", error=type(second).__name__)


def _source(account: Account) -> str:
    named = (account.config["imap_host"], account.secrets["user"], account.config["folder"])
    return hashlib.sha256("\x00".join(named).encode()).hexdigest()


def _resume(mailbox: Mailbox, place: Place | None, source: str) -> int:
    if place is None or place.source != source:
        return mailbox.next_uid - 1
    if place.uid_validity == mailbox.validity:
        return int(place.last_uid)
    # The server counts anew (RFC 3501, 2.3.1.1): what came since the last look is read again, and known by its Message-ID.
    again = mailbox.list_since(place.looked_at - DAY)
    return (again[0] if again else mailbox.next_uid) - 1
