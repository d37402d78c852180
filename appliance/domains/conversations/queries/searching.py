"""Messages found by their words, one line for each conversation that has them."""

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Integer, Select, Uuid, and_, column, select, values

from appliance.core import crypto
from appliance.core.paging import count_rows
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.conversations.queries.thread import list_by_id
from appliance.domains.conversations.rules import searching, spelling
from appliance.domains.conversations.rules.searching import Asked, Part
from appliance.domains.conversations.tables import Conversation, KnownWord, Message, MessageWord

MOST_KNOWN = 5000  # forms looked through for a question
MOST_CHECKED, MOST_READ = 1000, 400  # conversations and messages looked through for words in their order

Place = tuple[UUID, int]  # a conversation, and the number of a message in it


@dataclass(frozen=True)
class Found:
    """The newest message of a conversation that says what was looked for; `others` say it as well."""

    conversation: Conversation
    message: Message
    parts: Sequence[Part]
    others: int


@dataclass(frozen=True)
class Wanted:
    """A part of the question with what each of its words is kept under, by all the forms it stands for."""

    asked: Asked
    forms: Sequence[Sequence[str]]
    terms: Sequence[frozenset[int]]


def word_hashes(uow: UnitOfWork) -> Callable[[str], int]:
    """Form, or head, -> the number it is kept under; another in each organisation."""
    key = crypto.derive(uow.box.keys.tenant_key(uow.tenant_id), "words of messages")

    def hashed(form: str) -> int:
        return int.from_bytes(hmac.digest(key, form.encode(), sha256)[:8], "big", signed=True)

    return hashed


def hashed_head(hashed: Callable[[str], int], head: str) -> int:
    """Not the number of the word that consists of these letters."""
    return hashed(f"{head}*")


def search_messages(uow: UnitOfWork, q: str, query: PageQuery) -> Page[Found]:
    """Conversations in which all of `q` occurs, latest first. The message shown has as much of it as any there.

    Words in their order are looked for in the latest conversations alone (`MOST_CHECKED`, `MOST_READ`): what is sealed must be read for it.
    """
    wanted = _wanted(uow, searching.asked_in(q))
    if not wanted:
        return Page([], 0, query.page, query.limit)
    ordered = _having(wanted)
    if any(part.asked.is_phrase for part in wanted):
        checked = _checked(uow, ordered, wanted)
        total, places = len(checked), dict(list(checked.items())[query.offset : query.offset + query.limit])
    else:
        ids = uow.session.scalars(ordered.offset(query.offset).limit(query.limit)).all()
        total, places = count_rows(uow, ordered), {each: searching.best_numbers(parts) for each, parts in _places(uow, ids, wanted).items()}
    return Page(_lines(uow, places, wanted), total, query.page, query.limit)


def _wanted(uow: UnitOfWork, asked: Sequence[Asked]) -> list[Wanted]:
    hashed = word_hashes(uow)
    known = _known_forms(uow, hashed, asked)
    found = []
    for part in asked:
        forms = [_forms(part, word, known) for word in part.known]
        found.append(Wanted(part, forms, [frozenset(map(hashed, each)) for each in forms]))
    return found


def _known_forms(uow: UnitOfWork, hashed: Callable[[str], int], asked: Iterable[Asked]) -> Sequence[str]:
    """Those that begin like one of the words, of too many the same ones each time; a word that must be met as it stands needs none."""
    open_words = {word for part in asked for word in part.known if not part.is_phrase or (part.is_open and word == part.words[-1])}
    heads = {hashed_head(hashed, head) for word in open_words for way in searching.ways_of(word) for head in spelling.heads_of(way)}
    if not heads:
        return ()
    found = select(KnownWord.form).where(KnownWord.head.in_(heads)).order_by(KnownWord.term).limit(MOST_KNOWN)
    return [form.rstrip() for form in uow.session.scalars(found)]


def _forms(asked: Asked, word: str, known: Iterable[str]) -> list[str]:
    """The shortest first. The word itself, however it is written, without asking: it is there, or nothing is found by it."""
    own = [word] if asked.is_phrase else searching.ways_of(word)
    others = sorted((form for form in known if form not in own and asked.fits(word, form)), key=len)
    return [*own, *others][: searching.MOST_FORMS]


def _having(wanted: Iterable[Wanted]) -> Select[UUID]:
    """Conversations with all words, by their ids alone: a common word stands in nearly every one, and their rows are wide."""
    terms = {each for part in wanted for each in part.terms}
    having = (Conversation.id.in_(select(MessageWord.conversation_id).where(MessageWord.term.in_(each))) for each in terms)
    return select(Conversation.id).where(*having).order_by(Conversation.last_message_at.desc(), Conversation.id.desc())


def _places(uow: UnitOfWork, conversation_ids: Sequence[UUID], wanted: Sequence[Wanted]) -> dict[UUID, list[frozenset[int]]]:
    """By conversation, for each part of the question the numbers of the messages that have all of its words."""
    terms = {term for part in wanted for each in part.terms for term in each}
    rows = uow.session.execute(
        select(MessageWord.conversation_id, MessageWord.term, MessageWord.numbers).where(
            MessageWord.conversation_id.in_(conversation_ids), MessageWord.term.in_(terms)
        )
    )
    by_term: dict[UUID, dict[int, frozenset[int]]] = {each: {} for each in conversation_ids}
    for conversation_id, term, numbers in rows:
        by_term[conversation_id][term] = searching.unpacked(numbers)
    return {each: [_numbers(part, found) for part in wanted] for each, found in by_term.items()}


def _numbers(part: Wanted, by_term: Mapping[int, frozenset[int]]) -> frozenset[int]:
    by_word = [frozenset[int]().union(*(by_term.get(term, ()) for term in terms)) for terms in part.terms]
    return frozenset.intersection(*by_word)


def _checked(uow: UnitOfWork, ordered: Select[UUID], wanted: Sequence[Wanted]) -> dict[UUID, list[int]]:
    """By conversation, the numbers of the messages that say it, once those were read that may have a phrase."""
    ids = uow.session.scalars(ordered.limit(MOST_CHECKED)).all()
    by_part = _places(uow, ids, wanted)
    texts = _texts(uow, [(each, number) for each in ids for number in sorted(_to_read(wanted, by_part[each]), reverse=True)][:MOST_READ])
    found = {}
    for each in ids:
        parts = [_said(part, each, numbers, texts) for part, numbers in zip(wanted, by_part[each], strict=True)]
        if all(parts):
            found[each] = searching.best_numbers(parts)
    return found


def _said(part: Wanted, conversation_id: UUID, numbers: frozenset[int], texts: Mapping[Place, str]) -> frozenset[int]:
    """Of `numbers` those that say it in its order; words by themselves need no reading."""
    if not part.asked.is_phrase:
        return numbers
    return frozenset(number for number in numbers if searching.says(texts.get((conversation_id, number), ""), part.asked))


def _to_read(wanted: Iterable[Wanted], parts: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*(numbers for part, numbers in zip(wanted, parts, strict=True) if part.asked.is_phrase))


def _texts(uow: UnitOfWork, places: Sequence[Place]) -> dict[Place, str]:
    if not places:
        return {}
    there = _listed(places)
    rows = uow.session.execute(select(Message.conversation_id, Message.number, Message.content).join(there, _at(there)))
    return {(conversation_id, number): searching.text_in(content) for conversation_id, number, content in rows}


def _lines(uow: UnitOfWork, places: Mapping[UUID, Sequence[int]], wanted: Iterable[Wanted]) -> list[Found]:
    if not places:
        return []
    rows = {row.id: row for row in list_by_id(uow, list(places))}
    there = _listed([(each, numbers[0]) for each, numbers in places.items()])
    newest = {row.conversation_id: row for row in uow.session.scalars(select(Message).join(there, _at(there)))}
    forms = {form for part in wanted for each in part.forms for form in each}
    return [
        Found(rows[each], newest[each], searching.snippet(searching.text_in(newest[each].content), forms), len(numbers) - 1)
        for each, numbers in places.items()
    ]


def _listed(places: Sequence[Place]) -> CTE:
    """To be joined, since SQLite reads all messages of the organisation for a list of places."""
    return values(column("conversation_id", Uuid()), column("number", Integer()), name="places").data(list(places)).cte("places")


def _at(places: CTE) -> ColumnElement[bool]:
    return and_(Message.conversation_id == places.c.conversation_id, Message.number == places.c.number)
