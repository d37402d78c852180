"""Words of messages are kept as keyed hashes beside them, in the transaction that stores the message."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from uuid import UUID

from sqlalchemy import delete, exists, select, update

from appliance.core.rows import insert_absent, insert_or_append
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.rules import searching, spelling
from appliance.domains.conversations.tables import Conversation, KnownWord, Message, MessageWord

_KEY = ("conversation_id", "term", "tenant_id")
_AT_ONCE = 500


def remember_words(uow: UnitOfWork, messages: Iterable[Message], *, known: Collection[str] = ()) -> None:
    """Their conversations must be locked and in the database. Nothing is remembered twice: a message is stored once.

    `known`: forms that are remembered of it already.
    """
    places: dict[tuple[UUID, int], list[int]] = defaultdict(list)
    forms: dict[int, str] = {}
    hashed = queries.word_hashes(uow)
    for message in messages:
        for form in searching.forms_in(searching.text_in(message.content)):
            if form not in known:
                forms[hashed(form)] = form
                places[message.conversation_id, hashed(form)].append(message.number)
    rows = [
        {"tenant_id": uow.tenant_id, "conversation_id": conversation_id, "term": term, "numbers": searching.packed(numbers)}
        for (conversation_id, term), numbers in sorted(places.items())
    ]
    if rows:
        insert_or_append(uow, MessageWord, rows, key=_KEY, grows="numbers")
        _know(uow, forms)


def _know(uow: UnitOfWork, forms: dict[int, str]) -> None:
    """That the organisation has these words, so that they are found by their beginnings."""
    hashed = queries.word_hashes(uow)
    for terms in _slices(sorted(forms)):
        there = set(uow.session.scalars(select(KnownWord.term).where(KnownWord.term.in_(terms))))
        rows = [
            {"tenant_id": uow.tenant_id, "term": term, "form": forms[term].ljust(spelling.MAX_WORD),
             "head": queries.hashed_head(hashed, spelling.head_of(forms[term]))}
            for term in terms if term not in there
        ]  # fmt: skip
        if rows:
            insert_absent(uow, KnownWord, rows)


def forget_words(uow: UnitOfWork, message: Message, forms: Collection[str]) -> None:
    """The message does not say them any more. Its conversation must be locked."""
    hashed = queries.word_hashes(uow)
    own = MessageWord.conversation_id == message.conversation_id
    kept = select(MessageWord.term, MessageWord.numbers).where(own, MessageWord.term.in_([hashed(form) for form in forms]))
    gone = []
    for term, numbers in uow.session.execute(kept).all():
        rest = sorted(searching.unpacked(numbers) - {message.number})
        if rest:
            uow.session.execute(update(MessageWord).where(own, MessageWord.term == term).values(numbers=searching.packed(rest)))
        else:
            uow.session.execute(delete(MessageWord).where(own, MessageWord.term == term))
            gone.append(term)
    _unlearn(uow, gone)


def forget_conversations_of(uow: UnitOfWork, contact_id: UUID) -> None:
    """Also the words that nobody else ever wrote."""
    own = MessageWord.conversation_id.in_(select(Conversation.id).where(Conversation.contact_id == contact_id))
    terms = uow.session.scalars(select(MessageWord.term).where(own).distinct()).all()
    uow.session.execute(delete(MessageWord).where(own))
    _unlearn(uow, terms)


def _unlearn(uow: UnitOfWork, terms: Sequence[int]) -> None:
    is_said = exists().where(MessageWord.tenant_id == KnownWord.tenant_id, MessageWord.term == KnownWord.term)
    for some in _slices(terms):
        uow.session.execute(delete(KnownWord).where(KnownWord.term.in_(some), ~is_said), execution_options={"synchronize_session": False})


def _slices(terms: Sequence[int]) -> Iterator[Sequence[int]]:
    return (terms[start : start + _AT_ONCE] for start in range(0, len(terms), _AT_ONCE))
