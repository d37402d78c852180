"""How soon the inbox opens and finds words, ten thousand conversations large: `python -m tests.bench.bench_search [--messages 100000] [--postgresql]`.

Text as attendants know it: words by Zipf's law over a vocabulary, questions of one to three words, frequent and rare alike. Some of them are answered
once more by reading every message: the same conversations must be found, and what that costs is the ratio that is printed.
On the embedded store in a temporary folder, or on a PostgreSQL server of its own; says what writing the words costs and what they weigh. By the clock and
by the processor, which tells more on a machine that does other things too (PostgreSQL's own work is only in the clock).
"""

import argparse
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

from sqlalchemy import create_engine, insert, select, text

from appliance.core import db, rls
from appliance.core.box import Box
from appliance.core.ids import new_id
from appliance.core.web import Authenticator, PageQuery, Principal, create_app
from appliance.domains.contacts.types import Channel
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.remember import remember_words
from appliance.domains.conversations.rules import searching
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import ConversationStatus, Direction, Handling, MessageKind, MessageStatus, Sender
from tests.bench.knowledge_box import knowledge_box
from tests.conftest import APP_ROLE, Somebody
from tests.servers import postgresql_server
from webui import shell

IN_ONE = 10  # messages of a conversation
WORDS_OF_ONE = 12
VOCABULARY = 20_000
ASKED = 300
COMPARED = 60  # of them, answered by reading as well
OPENED = 30  # times each view of the list
VIEWS = ("", "?view=waiting", "?view=mine", "?view=bot", "?label=vip", "?page=150", "?q=maria")
AT_ONCE = 50  # conversations written in one transaction


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=100_000)
    arguments.add_argument("--postgresql", action="store_true")
    chosen = arguments.parse_args()
    wanted: int = chosen.messages
    store = _postgresql() if chosen.postgresql else nullcontext("")
    with tempfile.TemporaryDirectory() as folder, store as url, knowledge_box(kept=Path(folder), url=url) as opened:
        box, tenant_id = opened.box, opened.tenant_id
        words = Words(random.Random(7))
        before, started = _size(folder), time.process_time()
        remembering = sum(_write(box, tenant_id, words) for _ in range(wanted // IN_ONE // AT_ONCE))
        print(f"{wanted} messages written: {time.process_time() - started:.0f} s of CPU, {remembering:.0f} s of it for their words")
        print(f"data folder: {(_size(folder) - before) / 2**20:.0f} MiB")
        _ask(box, tenant_id, words)
        _open_list(box, tenant_id)


@contextmanager
def _postgresql() -> Iterator[str]:
    """With the wall between organisations, as in production."""
    with postgresql_server() as address:
        owner = create_engine(address.format(database="postgres"))
        with owner.begin() as connection:
            connection.execute(text(f"CREATE ROLE {APP_ROLE} LOGIN"))
            db.Rows.metadata.create_all(connection)
            rls.raise_walls(connection, db.Rows.metadata)
            connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}"))
            connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}"))
        owner.dispose()
        yield address.format(database="postgres").replace("owner@", f"{APP_ROLE}@")


class Words:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        letters = "abcdefghijlmnoprstuvz"
        self.all = ["".join(chance.choices(letters, k=chance.randint(4, 10))) for _ in range(VOCABULARY)]
        self.weights = [1 / (rank + 1) for rank in range(VOCABULARY)]

    def some(self, number: int) -> str:
        return " ".join(self.chance.choices(self.all, self.weights, k=number))


def _write(box: Box, tenant_id: UUID, words: Words) -> float:
    with box.unit(tenant_id) as uow:
        made = [_conversation(tenant_id, uow.now) for _ in range(AT_ONCE)]
        uow.session.execute(insert(Conversation), made)
        said = [_message(row, number, words.some(WORDS_OF_ONE)) for row in made for number in range(1, IN_ONE + 1)]
        uow.session.execute(insert(Message), said)
        stored = uow.session.scalars(select(Message).where(Message.conversation_id.in_([row["id"] for row in made]))).all()
        started = time.process_time()
        remember_words(uow, stored)
        return time.process_time() - started


def _conversation(tenant_id: UUID, now: object) -> dict[str, object]:
    made = new_id()
    waits, labelled = made.int % 10 == 0, made.int % 20 == 1
    return {
        "id": made, "tenant_id": tenant_id, "contact_id": new_id(), "channel_id": new_id(), "channel_kind": "simulator",
        "medium": Channel.SIMULATOR, "thread_key": str(made), "address": "x", "status": ConversationStatus.OPEN,
        "handling": Handling.HUMAN if waits else Handling.BOT, "waiting_since": now if waits else None, "labels": ["vip"] if labelled else [],
        "opened_at": now, "last_message_at": now, "last_number": IN_ONE, "preview": "x",
    }  # fmt: skip


def _message(row: dict[str, object], number: int, text: str) -> dict[str, object]:
    return {
        "id": new_id(), "tenant_id": row["tenant_id"], "conversation_id": row["id"], "channel_id": row["channel_id"], "number": number,
        "direction": Direction.INBOUND, "sender": Sender.CONTACT, "kind": MessageKind.TEXT, "content": {"text": text},
        "status": MessageStatus.RECEIVED, "occurred_at": row["opened_at"], "created_at": row["opened_at"],
    }  # fmt: skip


def _ask(box: Box, tenant_id: UUID, words: Words) -> None:
    watch = Watch()
    totals: dict[str, int] = {}
    for turn in range(ASKED):
        asked = words.some(1 + turn % 3)
        with watch, box.unit(tenant_id, read_only=True) as uow:
            totals[asked] = queries.search_messages(uow, asked, PageQuery(limit=20)).total
    found = totals.values()
    print(f"{ASKED} questions of one to three words: {watch}; conversations found: median {statistics.median(found):.0f}, most {max(found)}")
    _read_everything(box, tenant_id, dict(list(totals.items())[:COMPARED]), statistics.median(watch.processor))


def _read_everything(box: Box, tenant_id: UUID, totals: dict[str, int], one_ms: float) -> None:
    """The same questions by reading, once for all of them."""
    reading, said = Watch(), defaultdict[UUID, set[str]](set)
    with reading, box.unit(tenant_id, read_only=True) as uow:
        rows = uow.session.execute(select(Message.conversation_id, Message.content))
        for conversation_id, content in rows:
            said[conversation_id].update(searching.forms_in(searching.text_in(content)))
    for asked, total in totals.items():
        parts = searching.asked_in(asked)
        assert sum(all(any(part.fits(part.words[0], form) for form in forms) for part in parts) for forms in said.values()) == total, asked
    read_ms = reading.processor[0]
    print(f"the same {len(totals)} answers by reading every message: {read_ms / 1000:.1f} s of processor, {read_ms / one_ms:.0f} times a question")


def _open_list(box: Box, tenant_id: UUID) -> None:
    """The fragment as a browser asks for it, its person known already."""
    ana = Principal(
        user_id=new_id(), tenant_id=tenant_id, name="Ana", email="ana@solara.example", role="owner",
        permissions=frozenset({"conversations:read", "conversations:write"}), via="cookie", credential_id=new_id(), locale="",
    )  # fmt: skip
    box.provide(Authenticator, Somebody(ana))
    client = create_app(box, register=shell.register, error_page=shell.error_page).test_client()
    for view in VIEWS:
        watch = Watch()
        for _ in range(OPENED):
            with watch:
                answer = client.get(f"/inbox/list{view}")
            assert answer.status_code == HTTPStatus.OK, answer.text
        print(f"/inbox/list{view}: {watch}, {len(answer.data) / 1024:.0f} KiB")


class Watch:
    """Times what runs within it, in milliseconds."""

    def __init__(self) -> None:
        self.clock: list[float] = []
        self.processor: list[float] = []

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        clock, processor = self._began
        self.clock.append((time.perf_counter() - clock) * 1000)
        self.processor.append((time.process_time() - processor) * 1000)

    def __str__(self) -> str:
        return ", ".join(
            f"{name} p50 {statistics.median(taken):.1f} ms p95 {statistics.quantiles(taken, n=20)[-1]:.1f}"
            for name, taken in (("clock", self.clock), ("processor", self.processor))
        )


def _size(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
