"""An agent's turn: begun by a message, taken after the debounce with no transaction open, ended in one."""

import time
from functools import partial

from appliance.core import deliveries
from appliance.core.errors import Conflict, Refused, Unavailable
from appliance.core.i18n import pack, told
from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import actions, queries
from appliance.domains.agents.events import AgentWriting, AnswerDue, EvaluationProgressed
from appliance.domains.agents.rules import deciding
from appliance.domains.agents.tables import EvaluationResult
from appliance.domains.agents.types import Composed, EvaluationState, Found, Reason, Situation, TraceStep
from appliance.domains.conversations.events import HandoffRequested, MessageReceived, MessageTranscribed

PATIENCE = 4  # attempts while the models are away, about half a minute, before a person is called
QUESTIONS_A_SLICE, SECONDS_A_SLICE = 10, 20.0  # of an evaluation: documents wait in the same queue


def begin_turn(uow: UnitOfWork, event: MessageReceived) -> None:
    actions.read_message(uow, event.message_id)
    actions.begin_turn(uow, event.conversation_id, event.message_id)


def take_up_words(uow: UnitOfWork, event: MessageTranscribed) -> None:
    """From here on they are as good as typed."""
    actions.read_message(uow, event.message_id)
    actions.resume_turn(uow, event.conversation_id)


def answer(step: Step, event: AnswerDue) -> None:
    with step.read() as uow:
        situation = queries.read_situation(uow, event.conversation_id, due=event.number)
        is_late = situation is not None and queries.is_late(uow, event.conversation_id)
        if situation is not None and not is_late:
            uow.whisper(AgentWriting(event.conversation_id, writes=True))
    if situation is None:
        return
    if is_late:
        with step.finish() as uow:
            actions.leave_to_person(uow, event.conversation_id, situation.up_to_number)
        return
    started = time.perf_counter()
    try:
        composed = actions.compose(situation, partial(_ask, step))
    except Unavailable as err:
        composed = without_models(step, situation, err)
    with step.finish() as uow:
        actions.carry_out(uow, situation, composed, took_ms=round((time.perf_counter() - started) * 1000))
        if not composed.decision.text:
            uow.whisper(AgentWriting(event.conversation_id, writes=False))


def _ask(step: Step, question: str, situation: Situation) -> Found:
    return actions.ask_documents(step.box, step.tenant_id, question, situation)


def without_models(step: Step, situation: Situation, err: Unavailable) -> Composed:
    """Try again for a little while; then a person, since the contact should not wait for a machine."""
    with step.read() as uow:
        if deliveries.get_delivery(uow, step.delivery_id).attempts < PATIENCE:
            raise err
    language = deciding.language_of(situation)
    decision = deciding.hand_off(situation, Reason.MODELS_AWAY, language)
    return Composed(decision, (TraceStep("documents", "away", {"error": pack(told(err))}),), language)


def summarise_handed_off(step: Step, event: HandoffRequested) -> None:
    """So that it lies there when somebody takes over. Without a model that can, the excerpt does, and nobody has to hear of it."""
    with step.read() as uow:
        newest, lines = queries.list_lines(uow, event.conversation_id)
    try:
        written, engine = actions.write_summary(step.box, lines)
    except (Conflict, Refused, Unavailable):
        return
    with step.finish() as uow:
        actions.keep_summary(uow, event.conversation_id, newest, lines, written, engine)


def evaluate(step: Step, event: EvaluationProgressed) -> None:
    """The next few questions, then its place in the queue goes to whatever waits there. Only those are asked that have no result,
    so whoever takes over goes on.
    """
    with step.read() as uow:
        evaluation = queries.get_evaluation(uow, event.evaluation_id)
        if evaluation.state is not EvaluationState.RUNNING:
            return
        waiting = queries.list_unanswered(uow, evaluation)
        passed = queries.list_passed(uow, evaluation.baseline_id)
    asked: list[EvaluationResult] = []
    until = time.monotonic() + SECONDS_A_SLICE
    for one in waiting[:QUESTIONS_A_SLICE]:
        asked.append(actions.ask_question(step.box, step.tenant_id, evaluation, one, was_passed=one.id in passed))
        if time.monotonic() >= until:
            break
    with step.finish() as uow:
        actions.keep_results(uow, event.evaluation_id, asked, all_asked=len(asked) == len(waiting))
