"""How well the box understands what customers write: `python -m tests.bench.bench_routing [folder]`, by default empresa_a in
SALESEDGE_EVAL_DATA, then conversations of other trades (models/evals/routing).

Every message goes the way of a real one: received on a channel, read, answered by a published agent with default settings over the
company's documents, or handed to a person. What is counted is what the box wrote down: subject and signals of the message, the
consent that a stop withdrew, when a person was called. Beside it: how often a question that stands alone calls a person.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from appliance.core.ids import new_id
from appliance.domains.agents import actions as agents
from appliance.domains.agents.queries import policy_from
from appliance.domains.agents.rules import deciding, intents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.agents.types import Said, Situation
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries
from appliance.domains.conversations.types import Handling, Signal, Topic
from appliance.entrypoints.domains import MANIFESTS
from tests.bench.company import read_questions
from tests.bench.knowledge_box import KnowledgeBox, knowledge_box

OTHER_TRADES = Path(__file__).parents[2] / "models" / "evals" / "routing" / "other_trades.jsonl"
LABELS = {  # the labels of empresa_a by our names
    "preco_produto": Topic.PRICE, "estoque": Topic.AVAILABILITY, "compra": Topic.BUYING, "pagamento": Topic.PAYMENT,
    "credito": Topic.CREDIT, "b2b": Topic.WHOLESALE, "entrega": Topic.DELIVERY, "status_pedido": Topic.ORDER_STATUS,
    "troca": Topic.RETURNS, "garantia": Topic.WARRANTY, "instalacao": Topic.SUPPORT, "agendamento": Topic.SCHEDULING,
    "horario_endereco": Topic.HOURS_PLACE, "reclamacao": Topic.COMPLAINT, "elogio": Topic.PRAISE, "pedido_humano": Topic.WANTS_PERSON,
    "privacidade": Topic.PRIVACY, "urgencia": Topic.EMERGENCY, "opt_out": Topic.OPT_OUT, "fora_escopo": Topic.OFF_TOPIC,
    "saudacao": Topic.GREETING, "despedida": Topic.FAREWELL,
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """One message with what people say of it."""

    text: str
    topics: frozenset[Topic]
    says: frozenset[str]


@dataclass(frozen=True)
class Judged:
    wanted: Wanted
    topic: Topic | None
    says: frozenset[str]


def read_labelled(path: Path) -> Iterator[tuple[Mapping[str, object], list[Wanted]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        talk = json.loads(line)
        yield talk, [_labelled(turn) for turn in talk["turns"] if turn["role"] == "customer"]


def _labelled(turn: Mapping[str, dict[str, object]]) -> Wanted:
    labels = turn["labels"]
    named = labels["intent"]
    assert isinstance(named, list)
    says = {"opt_out": labels["opt_out"], "purchase": labels["purchase_intent"], "complaint": "reclamacao" in named}
    return Wanted(str(turn["text"]), frozenset(LABELS[one] for one in named), frozenset(name for name, holds in says.items() if holds))


def read_other_trades() -> Iterator[list[Wanted]]:
    for line in OTHER_TRADES.read_text(encoding="utf-8").splitlines():
        yield [
            Wanted(one["text"], frozenset(map(Topic, one["topics"])), frozenset(one["says"]) - {"person", "urgent"})
            for one in json.loads(line)["messages"]
        ]


@contextmanager
def answering_box(documents: Iterable[Path]) -> Iterator[tuple[KnowledgeBox, UUID]]:
    """With a published agent on a simulator; the channel."""
    with knowledge_box(manifests=MANIFESTS) as filled:
        for path in sorted(documents):
            filled.put(path.name, path.read_bytes())
        filled.work()
        with filled.box.unit(filled.tenant_id) as uow:
            settings = AgentSettings(debounce_ms=0, knowledge="all")
            agent = agents.create_agent(uow, AgentIn(name="Lia", settings=settings), publish_now=True)
            channel_id = channels.create_channel(uow, ChannelIn(kind="simulator", name="S", agent_id=agent.id)).id
        yield filled, channel_id


def talk_through(filled: KnowledgeBox, channel_id: UUID, messages: Sequence[Wanted]) -> tuple[list[Judged], int | None, str]:
    """What was made of each message; the message, counted from 1, at which a person was called, and why.

    The word goes back to the agent then, so that the rest is read in the same way.
    """
    visitor, judged = new_id().hex, []
    called, why = None, ""
    for number, wanted in enumerate(messages, 1):
        with filled.box.unit(filled.tenant_id) as uow:
            talk = channels.receive_simulated(uow, channel_id, visitor=visitor, name="", text=wanted.text)
        filled.work()
        with filled.box.unit(filled.tenant_id) as uow:
            conversation = queries.get_conversation(uow, talk)
            message = next(row for row in reversed(queries.list_messages(uow, talk)) if queries.is_from_contact(row))
            says = {str(one) for one in message.signals or ()} | ({"opt_out"} if message.topic is Topic.OPT_OUT else set())
            judged.append(Judged(wanted, message.topic, frozenset(says)))
            if conversation.handling is Handling.HUMAN:
                called, why = called or number, why or str(conversation.handoff_reason)
                conversations.hand_back(uow, talk)
    return judged, called, why


def print_topics(judged: Sequence[Judged]) -> float:
    """Right when it is one of those that people named; the macro-F1 over the classes that occur."""
    hits, false, missed = Counter[Topic](), Counter[Topic](), Counter[Topic]()
    for one in judged:
        topic = one.topic or Topic.OTHER
        if topic in one.wanted.topics:
            hits[topic] += 1
        else:
            false[topic] += 1
            missed[min(one.wanted.topics)] += 1
    scores = []
    for topic in sorted({*hits, *missed}):
        precision, recall, f1 = scored(hits[topic], false[topic], missed[topic])
        scores.append(f1)
        print(f"  {topic:<14} precision {precision:.2f}  recall {recall:.2f}  F1 {f1:.2f}  ({hits[topic] + missed[topic]})")
    macro = sum(scores) / len(scores)
    print(f"  {sum(hits.values())} of {len(judged)} right ({sum(hits.values()) / len(judged):.3f})   macro-F1 {macro:.3f}")
    return macro


def scored(hits: int, false: int, missed: int) -> tuple[float, float, float]:
    precision = hits / (hits + false) if hits + false else 0.0
    recall = hits / (hits + missed) if hits + missed else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def print_signals(judged: Sequence[Judged]) -> dict[str, float]:
    """The recall of each."""
    found = {}
    for name in ("opt_out", Signal.COMPLAINT, Signal.PURCHASE):
        pairs = Counter((name in one.wanted.says, name in one.says) for one in judged)
        precision, recall, f1 = scored(pairs[True, True], pairs[False, True], pairs[True, False])
        found[str(name)] = recall
        print(f"  {name:<14} precision {precision:.2f}  recall {recall:.2f}  F1 {f1:.2f}  ({pairs[True, True] + pairs[True, False]})")
    return found


def print_hand_off(called: Sequence[tuple[Mapping[str, object], int | None, str]]) -> tuple[float, float]:
    right = wrong = needed = late = 0
    for talk, at, why in called:
        due, needs = talk["handoff_at_customer_message"], bool(talk["needs_human"])
        needed, right, wrong = needed + needs, right + (needs and at is not None), wrong + (not needs and at is not None)
        late += abs(at - due) if at and isinstance(due, int) else 0
        print(f"  {talk['id']}  needs {due or '-'}  called {f'at {at}: {why}' if at else 'no'}")
    precision, recall, _f1 = scored(right, wrong, needed - right)
    print(f"  hand-off       precision {precision:.3f}  recall {recall:.3f} ({right} of {needed})   false alarms {wrong}   "
          f"messages off {late / max(right, 1):.2f}")  # fmt: skip
    return precision, recall


def alarms(texts: Iterable[str]) -> list[str]:
    """Questions that stand alone and call a person before any document is asked."""
    policy, found = replace(policy_from(AgentSettings()), own_knowledge_only=False), []
    for text in texts:
        situation = Situation(new_id(), 1, policy, (Said(True, text),), (), datetime.now(UTC), 1)
        reason = deciding.handoff_reason(situation, intents.find_intents(text))
        found += [f"{reason}: {text}"] if reason else []
    return found


def judge_company(folder: Path) -> bool:
    with answering_box((folder / "docs").iterdir()) as (filled, channel_id):
        talks = [(talk, *talk_through(filled, channel_id, messages)) for talk, messages in read_labelled(folder / "conversations.jsonl")]
    judged = [one for _talk, found, _at, _why in talks for one in found]
    print(f"{folder.name}: {len(talks)} conversations, {len(judged)} messages of customers")
    print_topics(judged)
    recalls = print_signals(judged)
    _precision, recall = print_hand_off([(talk, at, why) for talk, _found, at, why in talks])
    questions = [question.text for question in read_questions(folder / "questions.jsonl")]
    rung = alarms(questions)
    print(f"  questions that call a person: {len(rung)} of {len(questions)}", *rung, sep="\n    ")
    return recalls["opt_out"] >= 1.0 and recall >= 0.8


def judge_other_trades() -> None:
    with answering_box(()) as (filled, channel_id):
        judged = [one for messages in read_other_trades() for one in talk_through(filled, channel_id, messages)[0]]
    print(f"other trades: {len(judged)} messages")
    print_topics(judged)
    print_signals(judged)


def main(arguments: Sequence[str]) -> int:
    judge_other_trades()
    shared = os.environ.get("SALESEDGE_EVAL_DATA", "")
    if not arguments and not shared:
        print("SALESEDGE_EVAL_DATA is not set: there are no labelled conversations of a company to read.")
        return 0
    return 0 if judge_company(Path(arguments[0]) if arguments else Path(shared) / "empresa_a") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
