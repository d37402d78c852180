"""What a link learns, written down at once: it stays true while the database is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.box import Box
from appliance.core.errors import Unavailable
from appliance.core.rows import PASSING
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import actions
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.gateways.qr.rooms import Room
from appliance.domains.channels.types import Ending
from appliance.entrypoints.lives import Life

log = structlog.get_logger()
AWAY_S = 0.5  # between two tries to write
LAST_TRIES = 4  # of what is to be written, once it is to stop
UNTOLD_S = 60.0  # a link whose end cannot be written either is not begun again sooner


class NotWritten(Exception):
    """The database refuses it, or is away while the link is to stop. What was heard stays in the room."""


class Notes:
    """One number's. While it takes leave nobody is told of states."""

    def __init__(self, box: Box, tenant_id: UUID, channel_id: UUID, room: Room, *, leaving: bool, stop_asked: threading.Event) -> None:
        self.box, self.tenant_id, self.channel_id = box, tenant_id, channel_id
        self._room, self._leaving, self._stop_asked = room, leaving, stop_asked

    def write(self, change: Callable[[UnitOfWork], object]) -> None:
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

    def give_up(self) -> None:
        """Says why, and leaves the room as it is for the next try. Who is to take leave tries again by itself."""
        if self._leaving:
            self._stop_asked.wait(UNTOLD_S)
            return
        try:
            with self.box.unit(self.tenant_id) as uow:
                actions.end_link(uow, self.channel_id, Ending.UNWRITTEN)
        except ChannelNotFound:
            self._room.close()
        except (SQLAlchemyError, Unavailable) as err:
            log.warning("link_end_not_written", channel=self.channel_id.hex, error=type(err).__name__)
            self._stop_asked.wait(UNTOLD_S)

    def count_left_out(self, life: Life) -> None:
        if life.left_out:
            self.write(lambda uow: actions.count(uow, self.channel_id, left_out=life.left_out))
            life.left_out = 0

    def keep_letters(self, life: Life) -> None:
        """Committed before anything else is heard: from then on it is ours, and the child need not remember it."""
        if life.letters:
            self.write(lambda uow: actions.keep_envelopes(uow, self.channel_id, life.letters))
            life.letters = []

    def keep_store(self, life: Life) -> None:
        sealed = self._room.snapshot()
        if sealed is not None:
            self.write(lambda uow: actions.keep_store(uow, self.channel_id, sealed))
        life.store_changed, life.stored_at = False, time.monotonic()

    def show(self, change: Callable[[UnitOfWork], object]) -> None:
        if not self._leaving:
            self.write(change)
