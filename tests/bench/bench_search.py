"""How soon the inbox finds words in a hundred thousand messages: `python -m tests.bench.bench_search [--messages 100000]`.

Text as attendants know it: words by Zipf's law over a vocabulary, questions of one to three words, frequent and rare alike.
On the embedded store in a temporary folder; says what writing the words costs and what they weigh.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path
from uuid import UUID

from sqlalchemy import insert, select

from appliance.core.box import Box
from appliance.core.ids import new_id
from appliance.core.web import PageQuery
from appliance.domains.contacts.types import Channel
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.remember import remember_words
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import ConversationStatus, Direction, Handling, MessageKind, MessageStatus, Sender
from tests.bench.knowledge_box import knowledge_box

IN_ONE = 20  # messages of a conversation
WORDS_OF_ONE = 12
VOCABULARY = 20_000
ASKED = 300
AT_ONCE = 50  # conversations written in one transaction


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=100_000)
    wanted = arguments.parse_args().messages
    with tempfile.TemporaryDirectory() as folder, knowledge_box(kept=Path(folder)) as opened:
        box, tenant_id = opened.box, opened.tenant_id
        words = Words(random.Random(7))
        before, started = _size(folder), time.process_time()
        remembering = sum(_write(box, tenant_id, words) for _ in range(wanted // IN_ONE // AT_ONCE))
        print(f"{wanted} messages written: {time.process_time() - started:.0f} s of CPU, {remembering:.0f} s of it for their words")
        print(f"data folder: {(_size(folder) - before) / 2**20:.0f} MiB")
        _ask(box, tenant_id, words)


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
    return {
        "id": made, "tenant_id": tenant_id, "contact_id": new_id(), "channel_id": new_id(), "channel_kind": "simulator",
        "medium": Channel.SIMULATOR, "thread_key": str(made), "address": "x", "status": ConversationStatus.OPEN, "handling": Handling.BOT,
        "labels": [], "opened_at": now, "last_message_at": now, "last_number": IN_ONE, "preview": "x",
    }  # fmt: skip


def _message(row: dict[str, object], number: int, text: str) -> dict[str, object]:
    return {
        "id": new_id(), "tenant_id": row["tenant_id"], "conversation_id": row["id"], "channel_id": row["channel_id"], "number": number,
        "direction": Direction.INBOUND, "sender": Sender.CONTACT, "kind": MessageKind.TEXT, "content": {"text": text},
        "status": MessageStatus.RECEIVED, "occurred_at": row["opened_at"], "created_at": row["opened_at"],
    }  # fmt: skip


def _ask(box: Box, tenant_id: UUID, words: Words) -> None:
    took, totals = [], []
    for turn in range(ASKED):
        asked = words.some(1 + turn % 3)
        started = time.perf_counter()
        with box.unit(tenant_id, read_only=True) as uow:
            totals.append(queries.search_messages(uow, asked, PageQuery(limit=20)).total)
        took.append((time.perf_counter() - started) * 1000)
    print(f"{ASKED} questions of one to three words: p50 {statistics.median(took):.1f} ms, p95 {statistics.quantiles(took, n=20)[-1]:.1f} ms, "
          f"longest {max(took):.1f} ms; conversations found: median {statistics.median(totals):.0f}, most {max(totals)}")


def _size(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
