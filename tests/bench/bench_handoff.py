"""Which conversations a person is called into: `python -m tests.bench.bench_handoff [folder]`, by default empresa_a in SALESEDGE_EVAL_DATA.

Each customer's message is a turn of an agent with default settings over the company's documents. Beside it: how often a question that
stands alone calls a person, which it should not.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from appliance.core.ids import new_id
from appliance.domains.agents.actions.compose import ask_documents, compose
from appliance.domains.agents.queries import policy_from
from appliance.domains.agents.rules import deciding, intents
from appliance.domains.agents.schemas import AgentSettings
from appliance.domains.agents.types import Decision, Outcome, Said, Situation
from tests.bench.company import read_questions
from tests.bench.knowledge_box import KnowledgeBox, knowledge_box

POLICY = replace(policy_from(AgentSettings()), own_knowledge_only=False)


def begin() -> Situation:
    return Situation(new_id(), 1, POLICY, (), (), datetime.now(UTC), 1)


def customer_messages(conversation: Mapping[str, object]) -> list[str]:
    turns = conversation["turns"]
    assert isinstance(turns, list)
    return [turn["text"] for turn in turns if turn["text"] is not None]


def find_handoff(filled: KnowledgeBox, messages: Sequence[str]) -> tuple[int, Decision] | None:
    """The message, counted from 1, at which a person is called, and why."""
    situation = begin()
    for number, text in enumerate(messages, 1):
        situation = replace(situation, unanswered=(Said(True, text),))
        decision = compose(situation, lambda question, asked: ask_documents(filled.box, filled.tenant_id, question, asked, keep=False)).decision
        if decision.outcome is Outcome.HAND_OFF:
            return number, decision
        unknown = decision.outcome is Outcome.FALLBACK
        said = (*situation.earlier, Said(True, text), *([Said(False, decision.text)] if decision.text else []))
        situation = replace(situation, earlier=said, fallbacks_in_a_row=situation.fallbacks_in_a_row + 1 if unknown else 0)
    return None


def report(filled: KnowledgeBox, conversations: Sequence[Mapping[str, object]]) -> bool:
    right = wrong = needed = late = 0
    for one in conversations:
        found, wants = find_handoff(filled, customer_messages(one)), bool(one["needs_human"])
        needed += wants
        right += bool(found) and wants
        wrong += bool(found) and not wants
        due = one["handoff_at_customer_message"]
        late += abs(found[0] - due) if found and isinstance(due, int) else 0
        shown = f"at {found[0]}: {found[1].reason}" if found else "no"
        print(f"  {one['id']}  needs {due or '-'}  called {shown}")
    precision, recall = right / (right + wrong) if right + wrong else 1.0, right / needed
    print(f"  precision {precision:.3f}   recall {recall:.3f} ({right} of {needed})   false alarms {wrong}   messages off {late / max(right, 1):.2f}")
    return precision >= 1.0 and recall >= 0.8


def alarms(questions: Sequence[str]) -> list[str]:
    found = []
    for text in questions:
        situation = replace(begin(), unanswered=(Said(True, text),))
        reason = deciding.handoff_reason(situation, intents.find_intents(text))
        found += [f"{reason}: {text}"] if reason else []
    return found


def main(arguments: Sequence[str]) -> int:
    shared = os.environ.get("SALESEDGE_EVAL_DATA", "")
    if not arguments and not shared:
        print("SALESEDGE_EVAL_DATA is not set: there are no conversations to read.")
        return 0
    folder = Path(arguments[0]) if arguments else Path(shared) / "empresa_a"
    with knowledge_box() as filled:
        for path in sorted((folder / "docs").iterdir()):
            filled.put(path.name, path.read_bytes())
        filled.work()
        met = report(filled, [json.loads(line) for line in (folder / "conversations.jsonl").read_text(encoding="utf-8").splitlines()])
    questions = [question.text for question in read_questions(folder / "questions.jsonl")]
    rung = alarms(questions)
    print(f"  questions that call a person: {len(rung)} of {len(questions)}", *rung, sep="\n    ")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
