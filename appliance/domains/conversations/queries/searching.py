"""Messages found by their words, one line for each conversation that has them."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select, tuple_

from appliance.core import crypto
from appliance.core.paging import read_page
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.conversations.rules import searching
from appliance.domains.conversations.rules.searching import Part
from appliance.domains.conversations.tables import Conversation, Message, MessageWord


@dataclass(frozen=True)
class Found:
    """The newest message of a conversation that says what was looked for; `others` say it as well."""

    conversation: Conversation
    message: Message
    parts: Sequence[Part]
    others: int


def word_hashes(uow: UnitOfWork) -> Callable[[str], int]:
    """Term -> the number it is kept under; another in each organisation."""
    key = crypto.derive(uow.box.keys.tenant_key(uow.tenant_id), "words of messages")

    def hashed(term: str) -> int:
        return int.from_bytes(hmac.digest(key, term.encode(), sha256)[:8], "big", signed=True)

    return hashed


def search_messages(uow: UnitOfWork, q: str, query: PageQuery) -> Page[Found]:
    """Conversations in which all words of `q` occur, latest first. The message shown has as many of them as any there."""
    terms = searching.terms_of(q, searching.ASKED_WORDS)
    if not terms:
        return Page([], 0, query.page, query.limit)
    hashed = word_hashes(uow)
    wanted = [hashed(term) for term in terms]
    having = (Conversation.id.in_(select(MessageWord.conversation_id).where(MessageWord.term == term)) for term in wanted)
    found = select(Conversation).where(*having).order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
    page = read_page(uow, found, query)
    places = _places(uow, [row.id for row in page.items], wanted)
    newest = _messages(uow, [(row.id, places[row.id][0]) for row in page.items])
    lines = [_found(row, newest[row.id], terms, len(places[row.id]) - 1) for row in page.items]
    return Page(lines, page.total, page.page, page.limit)


def _places(uow: UnitOfWork, conversation_ids: Sequence[UUID], terms: Sequence[int]) -> dict[UUID, list[int]]:
    """The numbers of the messages that say it, newest first, by conversation."""
    rows = uow.session.execute(
        select(MessageWord.conversation_id, MessageWord.numbers).where(
            MessageWord.conversation_id.in_(conversation_ids), MessageWord.term.in_(terms)
        )
    )
    by_word: dict[UUID, list[frozenset[int]]] = {each: [] for each in conversation_ids}
    for conversation_id, numbers in rows:
        by_word[conversation_id].append(searching.unpacked(numbers))
    return {each: searching.best_numbers(places) for each, places in by_word.items()}


def _messages(uow: UnitOfWork, places: Sequence[tuple[UUID, int]]) -> dict[UUID, Message]:
    rows = uow.session.scalars(select(Message).where(tuple_(Message.conversation_id, Message.number).in_(places)))
    return {row.conversation_id: row for row in rows}


def _found(conversation: Conversation, message: Message, terms: Sequence[str], others: int) -> Found:
    return Found(conversation, message, searching.snippet(searching.text_in(message.content), terms), others)
