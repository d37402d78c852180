"""Watches over linked WhatsApp numbers: a child for each that is to be open, and a door for who wants something sent by one."""

from __future__ import annotations

import fcntl
import os
import signal
import socketserver
import threading
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import files, media_types, parts, updates
from appliance.core.box import Box
from appliance.core.errors import DomainError
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.qr import asking, lines, wire
from appliance.domains.channels.gateways.qr.child import ChildGone
from appliance.domains.channels.gateways.qr.transport import FILE_S, TEXT_S
from appliance.domains.channels.types import Ending
from appliance.entrypoints import notify
from appliance.entrypoints.boot import boot
from appliance.entrypoints.courtesies import Courtesies
from appliance.entrypoints.linked import Link
from appliance.entrypoints.lives import Patience

TURN_S = 120.0  # the longest one look may take: a few statements, each cancelled in time
log = structlog.get_logger()


class NoReply(Exception):
    """Whoever asked gets no answer and knows what that means."""


class Sessions:
    def __init__(self, box: Box, *, driver: str = wire.DRIVER, patience: Patience | None = None) -> None:
        self._box, self._driver, self._patience = box, driver, patience or Patience()
        self._links: dict[UUID, Link] = {}
        self._look = threading.Event()
        self._door: _Door | None = None
        self._pulse = notify.Pulse()
        self._courtesies = Courtesies(box, lambda: self._links)
        self.stopping = False

    @property
    def links(self) -> dict[UUID, Link]:
        return dict(self._links)

    def open_door(self) -> None:
        path = asking.address(self._box.settings)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._door = _Door(path, self)
        threading.Thread(target=self._door.serve_forever, name="door", daemon=True).start()

    def watch(self) -> None:
        """Until it is stopped."""
        self._courtesies.start()
        notify.watch(self._pulse.is_fresh)
        with parts.telling(self._box.redis, parts.SESSIONS, self._pulse.is_fresh):
            while not self.stopping:
                self._pulse.beat(TURN_S)
                self._look.clear()
                try:
                    if not updates.doors_are_closed():
                        self.look()
                except SQLAlchemyError as err:
                    log.warning("links_not_read", error=type(err).__name__)
                self._look.wait(self._patience.look)
            self.close()

    def look(self) -> None:
        """Start what is wanted and does not run; stop what runs and is not wanted."""
        with self._box.whole_box("links", read_only=True) as uow:
            eldest_first = sorted(queries.list_watched(uow), key=lambda found: (found[0].linked_at is None, found[0].id))
            watched = {
                link.channel_id: (link.tenant_id, link.leaving, link.pairing_phone or "", bool(config.get("takes_groups")), link.asked_at)
                for link, config in eldest_first
            }
        self._links = {channel_id: link for channel_id, link in self._links.items() if link.is_alive()}
        for channel_id, link in self._links.items():
            if channel_id not in watched or watched[channel_id][1] != link.leaving:
                link.stop()
            else:
                _, _, link.phone, link.takes_groups, asked_at = watched[channel_id]
                link.hurry(asked_at)
        for channel_id, (tenant_id, leaving, _, takes_groups, asked_at) in watched.items():
            if channel_id in self._links:
                continue
            if len(self._links) >= self._box.settings.channels.max_linked_numbers and not leaving:
                self._turn_away(tenant_id, channel_id)
            else:
                link = Link(self._box, tenant_id, channel_id, driver=self._driver, patience=self._patience, leaving=leaving)
                link.takes_groups, link.asked_at = takes_groups, asked_at
                self._links[channel_id] = link
                link.start()

    def _turn_away(self, tenant_id: UUID, channel_id: UUID) -> None:
        """Who takes leave is let in always: its keys are to go."""
        with self._box.unit(tenant_id) as uow:
            actions.end_link(uow, channel_id, Ending.FULL)

    def nudge(self) -> None:
        self._look.set()

    def stop(self) -> None:
        self.stopping = True
        self.nudge()

    def close(self) -> None:
        self._courtesies.stop()
        for link in self._links.values():
            link.stop()
        for link in self._links.values():
            if link.is_alive():  # one that is only about to start ends by itself: it was told to
                link.join(timeout=5)
        if self._courtesies.is_alive():
            self._courtesies.join(timeout=2)
        if self._door is not None:
            self._door.shutdown()
            self._door.server_close()

    def answer(self, asked: asking.Asked) -> asking.Answer:
        """Raises NoReply."""
        link = self._links.get(asked.channel_id)
        if link is None or not link.is_open:
            return asking.Away()
        try:
            if isinstance(asked.command, wire.Fetch):
                return self._fetch(link, asked.command)
            return self._send(link, asked.command, asked.blob_id)
        except ChildGone:
            return asking.Away()

    def _send(self, link: Link, command: wire.Send, blob_id: str) -> asking.Answer:
        self._courtesies.message_leaves(link.channel_id, command.to)
        if not blob_id:
            return _answered(link.ask(command, timeout_s=TEXT_S - 2))
        path = link.room.folder / f"out-{command.id}"
        path.write_bytes(self._box.blobs.read_all(link.tenant_id, UUID(blob_id)))
        try:
            return _answered(link.ask(replace(command, path=str(path)), timeout_s=FILE_S - 2))
        finally:
            path.unlink(missing_ok=True)

    def _fetch(self, link: Link, command: wire.Fetch) -> asking.Answer:
        path = link.room.folder / f"in-{command.id}"
        try:
            event = link.ask(replace(command, path=str(path)), timeout_s=FILE_S - 2)
            if not isinstance(event, wire.Fetched):
                return _answered(event)
            return self._seal(link.tenant_id, path, command.limit)
        finally:
            path.unlink(missing_ok=True)

    def _seal(self, tenant_id: UUID, path: Path, limit: int) -> asking.Stored:
        with path.open("rb") as file:
            head = file.read(media_types.SNIFFED)
            file.seek(0)
            ref = files.put(self._box, tenant_id, file, files.Origin.ARRIVED, limit=limit)
        return asking.Stored(str(ref.id), ref.size, ref.sha256, media_types.type_of(head))


def _answered(event: wire.Event | None) -> wire.Sent | wire.Failed:
    if isinstance(event, wire.Sent | wire.Failed):
        return event
    raise NoReply


class _Caller(socketserver.StreamRequestHandler):
    server: _Door
    timeout: ClassVar[float] = FILE_S

    def handle(self) -> None:
        try:
            asked = asking.asked_from(self.rfile.readline(lines.LONGEST_LINE * 2))
            if asked is None:
                self.server.sessions.nudge()
                self.wfile.write(b"{}\n")
                return
            self.wfile.write(asking.answer_line(self.server.sessions.answer(asked)))
        except (NoReply, DomainError, OSError, ValueError, KeyError) as err:
            log.warning("session_door", error=type(err).__name__)


class _Door(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, sessions: Sessions) -> None:
        self.sessions = sessions
        mask = os.umask(0o077)
        try:
            super().__init__(str(path), _Caller)
        finally:
            os.umask(mask)


def main() -> None:
    box = boot("sessions")
    lock = (box.settings.run_dir / "sessions.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)  # two who watch over one number would take the link from each other: the second waits
    sessions = Sessions(box)
    signal.signal(signal.SIGTERM, lambda *_: sessions.stop())
    signal.signal(signal.SIGINT, lambda *_: sessions.stop())
    sessions.open_door()
    sessions.watch()


if __name__ == "__main__":
    main()
