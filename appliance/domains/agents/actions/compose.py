"""The reply pipeline: gate → intent → documents → guardrails and confidence → send, fall back or hand off."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from appliance.core.box import Box
from appliance.core.errors import DomainError, Unavailable
from appliance.core.i18n import pack, told
from appliance.domains.agents.rules import deciding, intents
from appliance.domains.agents.types import Composed, Decision, Found, Intent, Outcome, Reason, Situation, TraceStep
from appliance.domains.knowledge import actions as knowledge
from appliance.domains.knowledge.types import Answer

Asking = Callable[[str, Situation], Found]
AskingAloud = Callable[[str, Situation], Iterator[Found]]


@dataclass
class _Trace:
    """Collects the steps; the clock runs from one to the next."""

    steps: list[TraceStep] = field(default_factory=list)
    since: float = field(default_factory=time.perf_counter)

    def add(self, name: str, verdict: str, **detail: Any) -> None:
        now = time.perf_counter()
        self.steps.append(TraceStep(name, verdict, detail, round((now - self.since) * 1000)))
        self.since = now


def compose(situation: Situation, ask: Asking) -> Composed:
    """Decide one turn. No unit of work may be open: `ask` calls models. Raises Unavailable when they are away."""
    *_said, composed = compose_aloud(situation, lambda question, asked: iter((ask(question, asked),)))
    assert isinstance(composed, Composed)
    return composed


def compose_aloud(situation: Situation, ask: AskingAloud) -> Generator[str | Composed]:
    """The same, said as it is found: text that passed the guardrails, piece by piece, then what was decided."""
    trace = _Trace()
    language = deciding.language_of(situation)
    question = deciding.question_of(situation)
    found = intents.find_intents(question)
    trace.add(
        "gate", "open", unanswered=len(situation.unanswered), spoken=sum(said.is_spoken for said in situation.unanswered),
        recent_replies=situation.recent_replies, language=language,
    )  # fmt: skip
    trace.add("intent", ", ".join(found) or "none", question=question)
    said, decision = "", _before_documents(situation, found, language, trace)
    if decision is None:
        said, decision = yield from _from_documents(situation, question, language, ask, trace)
    trace.add("decision", decision.outcome, reason=decision.reason, text=decision.text)
    yield decision.text.removeprefix(said) if decision.text.startswith(said) else f"\n\n{decision.text}"
    yield Composed(decision, tuple(trace.steps), language)


def _before_documents(situation: Situation, found: tuple[Intent, ...], language: str, trace: _Trace) -> Decision | None:
    reason = deciding.handoff_reason(situation, found)
    trace.add("handoff_rules", reason or "none")
    if reason is not None:
        return deciding.hand_off(situation, reason, language)
    return deciding.courtesy(situation, found, language)


def _from_documents(
    situation: Situation, question: str, language: str, ask: AskingAloud, trace: _Trace,
) -> Generator[str, None, tuple[str, Decision]]:
    """Returns what was said aloud and what was decided in the end."""
    said, found, decision = "", None, deciding.hand_off(situation, Reason.MODELS_AWAY, language)
    try:
        for found in ask(question, situation):
            decision = deciding.judge(situation, found, language)
            if decision.reason is Reason.GUARDRAIL:
                break
            if decision.outcome is Outcome.SEND:
                yield found.text.removeprefix(said)
                said = found.text
    except Unavailable:
        raise
    except DomainError as err:
        trace.add("documents", "refused", error=pack(told(err)))
        return said, deciding.hand_off(situation, Reason.MODELS_AWAY, language)
    assert found is not None
    _note(trace, situation, found)
    return said, decision


def _note(trace: _Trace, situation: Situation, found: Found) -> None:
    trace.add(
        "documents", "answered" if found.answered else "not_found", text=found.text, engine=found.engine, sources=list(found.sources)
    )
    trace.add(
        "confidence", "enough" if found.confidence >= situation.policy.confidence_floor else "too_low",
        confidence=found.confidence, floor=situation.policy.confidence_floor, sure=found.confident,
    )  # fmt: skip


def suggest(box: Box, tenant_id: UUID, situation: Situation) -> Found:
    """What the documents say to what the contact waits to hear; for a person who decides. Not counted as a question of a customer."""
    *_growing, found = suggest_aloud(box, tenant_id, situation)
    return found


def suggest_aloud(box: Box, tenant_id: UUID, situation: Situation) -> Generator[Found]:
    """The same as it grows; the last one is whole."""
    return ask_documents_aloud(box, tenant_id, deciding.question_of(situation), situation, keep=False)


def ask_documents(box: Box, tenant_id: UUID, question: str, situation: Situation, *, keep: bool = True, allow_chat: bool = True) -> Found:
    """The knowledge domain's answer. It opens its own units: call it with none open. `keep` and `allow_chat` as in knowledge's Ask."""
    *_growing, found = ask_documents_aloud(box, tenant_id, question, situation, keep=keep, allow_chat=allow_chat)
    return found


def ask_documents_aloud(
    box: Box, tenant_id: UUID, question: str, situation: Situation, *, keep: bool = True, allow_chat: bool = True,
) -> Generator[Found]:
    """The same as it grows; the last one is whole."""
    policy = situation.policy
    growing = knowledge.stream_answer(
        box,
        tenant_id,
        question,
        context=[knowledge.Turn("user" if said.by_contact else "agent", said.text) for said in situation.earlier if said.text],
        ask=knowledge.Ask(
            agent_id=situation.agent_id if policy.own_knowledge_only else None,
            conversation_id=situation.conversation_id,
            temperature=policy.temperature,
            max_tokens=policy.max_tokens,
            model=policy.model,
            voice=policy.voice,
            allow_chat=allow_chat,
            keep=keep,
        ),
    )
    with closing(growing):
        yield from map(_found, growing)


def _found(answer: Answer) -> Found:
    return Found(
        text=answer.text,
        answered=answer.answered,
        confident=answer.confident,
        confidence=answer.confidence,
        emergency=answer.emergency,
        sources=tuple(_plain(asdict(source)) for source in answer.sources),
        engine=answer.engine if answer.model in {"", answer.engine} else f"{answer.engine} {answer.model}"[:40],
    )


def _plain(source: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in source.items()}
