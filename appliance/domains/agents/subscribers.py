"""An agent's turn: begun by a message, taken after the debounce with no transaction open, ended in one."""

import time
from functools import partial

from appliance.core import deliveries
from appliance.core.errors import Unavailable
from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import actions, queries
from appliance.domains.agents.events import AnswerDue
from appliance.domains.agents.rules import deciding
from appliance.domains.agents.types import Composed, Found, Reason, Situation, TraceStep
from appliance.domains.conversations.events import MessageReceived

PATIENCE = 4  # attempts while the models are away, about half a minute, before a person is called


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
