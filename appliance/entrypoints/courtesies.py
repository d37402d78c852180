"""Between the inbox and its contacts, what is worth nothing a minute later: who writes, who looks, what was read.

It is heard as whispers, told to the child that has the number or to Meta, kept nowhere, and lost without harm.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.dispatch import LIVE_CHANNEL
from appliance.core.errors import DomainError
from appliance.core.outbox import event_name
from appliance.core.queue_server import hear
from appliance.domains.agents.events import AgentWriting
from appliance.domains.channels import queries as channels
from appliance.domains.channels.gateways.gateway import Courteous
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.gateways.qr.inbound import address_of, jid_of
from appliance.domains.channels.rules import groups
from appliance.domains.channels.rules.writing import AGENT_S, PERSON_S, Writing
from appliance.domains.channels.types import WHATSAPP_CLOUD
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.events import ContactWriting, ConversationRead, PersonHere
from appliance.domains.conversations.types import Presence
from appliance.entrypoints.cloud_courtesies import CloudCourtesies

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.entrypoints.linked import Link

TURN_S = 0.25
AWAY_S = 2.0
LOOKS_S = 90.0  # after a browser's last word; it says so every minute
MOST_READ = 100
_PERSON, _AGENT, _READ = (event_name(kind) for kind in (PersonHere, AgentWriting, ConversationRead))
log = structlog.get_logger()


@dataclass
class _Manners:
    """What one number's child was told."""

    writing: Writing = field(default_factory=Writing)
    looks_until: float = 0.0


@dataclass(frozen=True)
class _Chat:
    channel_id: UUID
    jid: str
    allowed: Courteous
    by_cloud: bool


class Courtesies(threading.Thread):
    """One for all numbers of the box."""

    def __init__(self, box: Box, links: Callable[[], Mapping[UUID, Link]]) -> None:
        super().__init__(name="courtesies", daemon=True)
        self._box, self._links = box, links
        self._manners: dict[UUID, _Manners] = {}
        self._cloud = CloudCourtesies(box)
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        self._stop_asked.set()
        self._cloud.stop()

    def run(self) -> None:
        self._cloud.start()
        while not self._stop_asked.is_set():
            try:
                self._listen()
            except (RedisError, OSError) as err:
                log.warning("courtesies_unheard", error=type(err).__name__)
                self._stop_asked.wait(AWAY_S)

    def message_leaves(self, channel_id: UUID, chat: str) -> None:
        """WhatsApp shows the message in place of the writing."""
        manners = self._manners.get(channel_id)
        if manners is not None:
            manners.writing.end(chat)

    def _listen(self) -> None:
        with closing(hear(self._box.redis, LIVE_CHANNEL, turn_s=TURN_S)) as heard:
            while not self._stop_asked.is_set():
                told = next(heard)
                if told is not None:
                    self._hear(json.loads(told))
                self._do_what_is_due(time.monotonic())

    def _hear(self, note: Mapping[str, Any]) -> None:
        tenant_id = UUID(note["tenant"])
        if note["event"] not in {_PERSON, _AGENT, _READ}:
            return
        try:
            self._take(tenant_id, note["event"], note["ids"])
        except (SQLAlchemyError, DomainError) as err:
            log.info("courtesy_omitted", courtesy=note["event"], error=type(err).__name__)

    def _take(self, tenant_id: UUID, event: str, ids: Mapping[str, Any]) -> None:
        conversation_id = UUID(ids["conversation_id"])
        chat = self._find_chat(tenant_id, conversation_id)
        if chat is None:
            return
        if chat.by_cloud:
            self._take_for_cloud(tenant_id, conversation_id, chat, event, ids)
        elif event == _READ:
            self._mark_read(tenant_id, conversation_id, chat, ids)
        elif chat.allowed.shows_typing and event == _AGENT:
            self._show(chat, writes=bool(ids["writes"]), for_s=AGENT_S)
        elif chat.allowed.shows_typing:
            self._attend(chat.channel_id, ids["state"])
            self._show(chat, writes=ids["state"] == Presence.TYPING, for_s=PERSON_S)

    def _find_chat(self, tenant_id: UUID, conversation_id: UUID) -> _Chat | None:
        """None where nobody can be told: no child of ours has the number, and it is none of the Cloud API."""
        with self._box.unit(tenant_id, read_only=True) as uow:
            conversation = conversations.get_conversation(uow, conversation_id)
            channel = channels.get_channel(uow, conversation.channel_id)
            by_cloud = channel.kind == WHATSAPP_CLOUD
            if not by_cloud and channel.id not in self._links():
                return None
            return _Chat(channel.id, jid_of(conversation.address), _allowed(channel.kind, channel.config), by_cloud)

    def _take_for_cloud(self, tenant_id: UUID, conversation_id: UUID, chat: _Chat, event: str, ids: Mapping[str, Any]) -> None:
        if event == _READ:
            if chat.allowed.marks_read and (read := self._read(tenant_id, conversation_id, ids, most=1)):
                self._cloud.take_read(tenant_id, chat.channel_id, read[-1])
            return
        writes, for_s = (bool(ids["writes"]), AGENT_S) if event == _AGENT else (ids["state"] == Presence.TYPING, PERSON_S)
        if not writes:
            self._cloud.end_writing(chat.channel_id, str(conversation_id))
        elif chat.allowed.shows_typing and (shown := self._shown_to(tenant_id, conversation_id, is_agent=event == _AGENT)):
            self._cloud.take_writing(tenant_id, chat.channel_id, str(conversation_id), shown, for_s=for_s)

    def _shown_to(self, tenant_id: UUID, conversation_id: UUID, *, is_agent: bool) -> str:
        """The contact's last message that whoever writes has seen: an agent all of them, a person what is not unread."""
        with self._box.unit(tenant_id, read_only=True) as uow:
            unread = 0 if is_agent else conversations.get_conversation(uow, conversation_id).unread_count
            last = conversations.list_last_ids(uow, conversation_id, limit=unread + 1)
            return last[0] if len(last) > unread else ""

    def _read(self, tenant_id: UUID, conversation_id: UUID, ids: Mapping[str, Any], *, most: int) -> list[str]:
        with self._box.unit(tenant_id, read_only=True) as uow:
            return conversations.list_last_ids(uow, conversation_id, limit=min(int(ids["unread"]), most), up_to=int(ids["number"]))

    def _mark_read(self, tenant_id: UUID, conversation_id: UUID, chat: _Chat, ids: Mapping[str, Any]) -> None:
        if not chat.allowed.marks_read or groups.is_group(chat.jid):  # there each mark names one of many authors
            return
        if read := self._read(tenant_id, conversation_id, ids, most=MOST_READ):
            self._tell(chat.channel_id, wire.MarkRead(chat.jid, tuple(read)))

    def _attend(self, channel_id: UUID, state: str) -> None:
        """Said again each time: the child may be another by now. Who leaves says nothing of others who look; it ends by itself."""
        if state != Presence.LEFT and self._tell(channel_id, wire.Attend(looks=True)):
            self._manners_of(channel_id).looks_until = time.monotonic() + LOOKS_S

    def _show(self, chat: _Chat, *, writes: bool, for_s: float) -> None:
        writing = self._manners_of(chat.channel_id).writing
        is_news = writing.begin(chat.jid, time.monotonic(), for_s=for_s) if writes else writing.end(chat.jid)
        if is_news:
            self._tell(chat.channel_id, wire.ShowTyping(chat.jid, writes))

    def _do_what_is_due(self, now: float) -> None:
        self._cloud.do_what_is_due(now)
        for channel_id, manners in self._manners.items():
            for jid, writes in manners.writing.due(now):
                self._tell(channel_id, wire.ShowTyping(jid, writes))
            if manners.looks_until and now >= manners.looks_until:
                manners.looks_until = 0.0
                self._tell(channel_id, wire.Attend(looks=False))

    def _manners_of(self, channel_id: UUID) -> _Manners:
        return self._manners.setdefault(channel_id, _Manners())

    def _tell(self, channel_id: UUID, command: wire.MarkRead | wire.ShowTyping | wire.Attend) -> bool:
        link = self._links().get(channel_id)
        return link is not None and link.tell(command)


def _allowed(kind: str, config: Mapping[str, Any]) -> Courteous:
    """Of a kind that has these switches."""
    settings = gateway_of(kind).settings.model_validate(config)
    assert isinstance(settings, Courteous)
    return settings


def show_contact(box: Box, tenant_id: UUID, channel_id: UUID, typing: wire.Typing) -> None:
    """To whoever has the conversation open. A link never ends for it."""
    address = address_of(typing)
    try:
        with box.unit(tenant_id, read_only=True) as uow:
            channel = channels.get_channel(uow, channel_id)
            if not _allowed(channel.kind, channel.config).shows_typing:
                return
            conversation_id = conversations.find_thread(uow, channel_id, address) if address else None
            if conversation_id is not None:
                uow.whisper(ContactWriting(conversation_id, typing.writes))
    except (SQLAlchemyError, DomainError) as err:
        log.info("courtesy_omitted", courtesy="typing", error=type(err).__name__)
