"""Words of messages are kept as keyed hashes beside them, in the transaction that stores the message."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from appliance.core.rows import insert_or_append
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.rules import searching
from appliance.domains.conversations.tables import Message, MessageWord

_KEY = ("conversation_id", "term", "tenant_id")


def remember_words(uow: UnitOfWork, messages: Iterable[Message]) -> None:
    """Their conversations must be locked and in the database. Nothing is remembered twice: a message is stored once."""
    places: dict[tuple[UUID, int], list[int]] = defaultdict(list)
    hashed = queries.word_hashes(uow)
    for message in messages:
        for term in searching.terms_of(searching.text_in(message.content)):
            places[message.conversation_id, hashed(term)].append(message.number)
    rows = [
        {"tenant_id": uow.tenant_id, "conversation_id": conversation_id, "term": term, "numbers": searching.packed(numbers)}
        for (conversation_id, term), numbers in sorted(places.items())
    ]
    if rows:
        insert_or_append(uow, MessageWord, rows, key=_KEY, grows="numbers")
