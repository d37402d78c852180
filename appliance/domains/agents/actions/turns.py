from datetime import timedelta
from uuid import UUID

from appliance.core.errors import Refused
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import queries
from appliance.domains.agents.events import AnswerDue, ReplyDecided
from appliance.domains.agents.tables import ReplyRun, ReplyStep
from appliance.domains.agents.types import Composed, Outcome, Situation
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as conversation_queries
from appliance.domains.conversations.types import AgentReply, Handling, MessageKind


def begin_turn(uow: UnitOfWork, conversation_id: UUID, message_id: UUID) -> None:
    """The contact wrote. Where the bot has the word, its turn comes after the debounce; without an agent a person is called."""
    conversation = conversation_queries.get_conversation(uow, conversation_id)
    message = conversation_queries.get_message(uow, message_id)
    silent = conversation.handling is not Handling.BOT
    if silent or message.kind is MessageKind.REACTION or message.number <= conversation.answered_number:
        return
    published = queries.find_published_policy(uow, conversation.agent_id) if conversation.agent_id else None
    if published is None:
        conversations.hand_off(uow, conversation_id, reason="no_agent")
        return
    _version, policy = published
    uow.emit(AnswerDue(conversation_id, message_id, message.number), delay=timedelta(milliseconds=policy.debounce_ms))


def carry_out(uow: UnitOfWork, situation: Situation, composed: Composed, *, took_ms: int) -> ReplyRun:
    """Do what was decided, if it is still the bot's to do, and keep the trace."""
    assert situation.conversation_id is not None
    assert situation.message_id is not None
    decision = composed.decision
    reply_id, outcome = _speak(uow, situation.conversation_id, situation, composed)
    run = ReplyRun(
        tenant_id=uow.tenant_id, agent_id=situation.agent_id, version=situation.version, conversation_id=situation.conversation_id,
        message_id=situation.message_id, reply_id=reply_id, outcome=outcome, reason=decision.reason,
        confidence=decision.confidence, engine=decision.engine, took_ms=took_ms, created_at=uow.now,
    )  # fmt: skip
    uow.session.add(run)
    uow.session.flush()
    for position, step in enumerate(composed.steps):
        kept = ReplyStep(tenant_id=uow.tenant_id, run_id=run.id, position=position, name=step.name, took_ms=step.took_ms)
        kept.verdict, kept.detail = step.verdict[:60], dict(step.detail)
        uow.session.add(kept)
    uow.emit(ReplyDecided(situation.conversation_id, run.id, outcome))
    return run


def _speak(uow: UnitOfWork, conversation_id: UUID, situation: Situation, composed: Composed) -> tuple[UUID | None, Outcome]:
    decision = composed.decision
    if decision.outcome is Outcome.HAND_OFF:
        return _hand_off(uow, conversation_id, str(decision.reason), decision.text)
    if decision.outcome is Outcome.SILENCE:
        conversations.note_answered(uow, conversation_id, situation.up_to_number)
        return None, Outcome.SILENCE
    try:
        reply = conversations.queue_agent_reply(
            uow, conversation_id, AgentReply(decision.text, situation.up_to_number, decision.sources)
        )
    except Refused as err:  # no consent, or the window closed while we thought
        return _hand_off(uow, conversation_id, getattr(err, "objection", "refused"), "")
    return (reply.id, decision.outcome) if reply else (None, Outcome.SILENCE)


def _hand_off(uow: UnitOfWork, conversation_id: UUID, reason: str, text: str) -> tuple[UUID | None, Outcome]:
    """Once: a conversation that people already have stays as it is and the contact hears nothing twice."""
    if not conversations.hand_off(uow, conversation_id, reason=reason):
        return None, Outcome.SILENCE
    notice = conversations.queue_notice(uow, conversation_id, text) if text else None
    return (notice.id if notice else None), Outcome.HAND_OFF
