"""Told to contacts of the Cloud API beside messages: what a person opened is read, who writes is seen. One call at a time, none of them
worth waiting for: what comes too quickly, or while Meta asks to wait, is left out.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.errors import DomainError, Refused
from appliance.core.outbound import NotAllowed
from appliance.domains.channels import queries as channels
from appliance.domains.channels.errors import KeyRefused
from appliance.domains.channels.gateways.cloud import courtesy
from appliance.domains.channels.rules.writing import Writing
from appliance.entrypoints.turns import Turns

if TYPE_CHECKING:
    from appliance.core.box import Box

AGAIN_S = 20.0  # Meta shows it for 25
MOST_WAITING = 100  # of each organisation
REST_S = 60.0  # of a channel whose last one was not taken
TURN_S = 0.5
log = structlog.get_logger()


@dataclass(frozen=True)
class _Told:
    """`message_id`: Meta's name of the last message that was shown."""

    tenant_id: UUID
    channel_id: UUID
    message_id: str
    writes: bool


class CloudCourtesies(threading.Thread):
    """`take_…` never waits; the calls are made by its own thread."""

    def __init__(self, box: Box) -> None:
        super().__init__(name="cloud-courtesies", daemon=True)
        self._box = box
        self._waiting: Turns[UUID, _Told] = Turns(MOST_WAITING)
        self._writing: dict[UUID, Writing] = {}
        self._chats: dict[str, _Told] = {}
        self._resting: dict[UUID, float] = {}
        self._stop_asked = threading.Event()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def stop(self) -> None:
        self._stop_asked.set()

    def take_read(self, tenant_id: UUID, channel_id: UUID, message_id: str) -> None:
        self._put(_Told(tenant_id, channel_id, message_id, writes=False))

    def take_writing(self, tenant_id: UUID, channel_id: UUID, chat: str, message_id: str, *, for_s: float) -> None:
        writing = self._writing.setdefault(channel_id, Writing(AGAIN_S))
        told = _Told(tenant_id, channel_id, message_id, writes=True)
        if writing.begin(chat, time.monotonic(), for_s=for_s):
            self._put(told)
        elif chat not in self._chats:
            return  # in too many chats already
        self._chats[chat] = told

    def end_writing(self, channel_id: UUID, chat: str) -> None:
        """Meta is told of no end."""
        if channel_id in self._writing:
            self._writing[channel_id].end(chat)
        self._chats.pop(chat, None)

    def do_what_is_due(self, now: float) -> None:
        for writing in self._writing.values():
            for chat, writes in writing.due(now):
                told = self._chats.get(chat) if writes else self._chats.pop(chat, None)
                if told is not None and writes:
                    self._put(told)

    def run(self) -> None:
        while not self._stop_asked.is_set():
            told = self._waiting.take(TURN_S)
            if told is not None and time.monotonic() >= self._resting.get(told.channel_id, 0.0):
                self._tell(told)

    def _put(self, told: _Told) -> None:
        if not self._waiting.put(told.tenant_id, told):
            log.info("courtesy_omitted", courtesy="cloud", error="too_many")

    def _tell(self, told: _Told) -> None:
        try:
            with self._box.unit(told.tenant_id, read_only=True) as uow:
                if channels.find_pause(uow, told.channel_id) is not None or not channels.get_channel(uow, told.channel_id).active:
                    return
                account = channels.get_account(uow, told.channel_id)
            courtesy.acknowledge(self._box, account, told.message_id, writes=told.writes)
        except (SQLAlchemyError, DomainError) as err:
            if not isinstance(err, Refused) or isinstance(err, KeyRefused | NotAllowed):  # else it is about this one message, too old say
                self._resting[told.channel_id] = time.monotonic() + (getattr(err, "retry_after", None) or REST_S)
            log.info("courtesy_omitted", courtesy="cloud", error=type(err).__name__)
