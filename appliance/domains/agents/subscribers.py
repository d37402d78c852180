"""An agent's turn: begun by a message, taken after the debounce with no transaction open, ended in one."""

import time
from functools import partial

from appliance.core import deliveries
from appliance.core.errors import Unavailable
from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import actions, queries
from appliance.domains.agents.events import AnswerDue, EvaluationStarted
from appliance.domains.agents.queries import evaluations
from appliance.domains.agents.rules import deciding
from appliance.domains.agents.types import Composed, EvaluationState, Found, Reason, Situation, TraceStep
from appliance.domains.conversations.events import MessageReceived

PATIENCE = 4  # attempts while the models are away, about half a minute, before a person is called
QUESTIONS_A_SLICE = 5


def begin_turn(uow: UnitOfWork, event: MessageReceived) -> None:
    actions.begin_turn(uow, event.conversation_id, event.message_id)


def answer(step: Step, event: AnswerDue) -> None:
    with step.read() as uow:
        situation = queries.read_situation(uow, event.conversation_id, due=event.number)
    if situation is None:
        return
    started = time.perf_counter()
    try:
        composed = actions.compose(situation, partial(_ask, step))
    except Unavailable as err:
        composed = without_models(step, situation, err)
    with step.finish() as uow:
        actions.carry_out(uow, situation, composed, took_ms=round((time.perf_counter() - started) * 1000))


def _ask(step: Step, question: str, situation: Situation) -> Found:
    return actions.ask_documents(step.box, step.tenant_id, question, situation)


def without_models(step: Step, situation: Situation, err: Unavailable) -> Composed:
    """Try again for a little while; then a person, since the contact should not wait for a machine."""
    with step.read() as uow:
        if deliveries.get_delivery(uow, step.delivery_id).attempts < PATIENCE:
            raise err
    language = deciding.language_of(situation)
    decision = deciding.hand_off(situation, Reason.MODELS_AWAY, language)
    return Composed(decision, (TraceStep("documents", "away", {"error": str(err)}),), language)


def evaluate(step: Step, event: EvaluationStarted) -> None:
    """A few questions at a time, each few committed: whoever takes over goes on with those that have no result."""
    with step.read() as uow:
        evaluation = evaluations.get_evaluation(uow, event.evaluation_id)
        if evaluation.state is not EvaluationState.RUNNING:
            return
        answered = {result.question_id for result in evaluations.list_results(uow, evaluation.id)}
        waiting = [question for question in evaluations.list_questions(uow, event.agent_id) if question.id not in answered]
        passed = evaluations.list_passed(uow, evaluation.baseline_id)
    for start in range(0, len(waiting), QUESTIONS_A_SLICE):
        few = waiting[start : start + QUESTIONS_A_SLICE]
        asked = [actions.ask_question(step.box, step.tenant_id, evaluation, one, was_passed=one.id in passed) for one in few]
        with step.progress() as uow:
            actions.keep_results(uow, event.evaluation_id, asked)
    with step.finish() as uow:
        actions.finish_evaluation(uow, event.evaluation_id)
