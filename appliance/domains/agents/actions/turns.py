from datetime import timedelta
from uuid import UUID

from appliance.core.errors import Refused
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import queries
from appliance.domains.agents.events import AnswerDue, ReplyDecided
from appliance.domains.agents.rules import deciding, reading
from appliance.domains.agents.tables import ReplyRun, ReplyStep
from appliance.domains.agents.types import Composed, Outcome, Reason, Situation
from appliance.domains.contacts.types import Objection
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as conversation_queries
from appliance.domains.conversations.types import AgentReply, Handling, MessageKind, Signal
from appliance.domains.knowledge import queries as knowledge

READ_AT_MOST = 4000  # characters: a mail says early what it is about


def read_message(uow: UnitOfWork, message_id: UUID) -> None:
    """What it is about and what a person should see at once, whoever has the word. A stop was understood when it was stored.

    What a program wrote shows nothing of what its sender wants.
    """
    message = conversation_queries.get_message(uow, message_id)
    text = conversation_queries.text_of(message)
    if not text or message.topic is not None or message.kind is MessageKind.REACTION:
        return
    if not conversation_queries.is_from_contact(message):
        return
    if (message.content.get("mail") or {}).get("automatic"):
        return
    conversation = conversation_queries.get_conversation(uow, message.conversation_id)
    danger = knowledge.find_emergency(text) is not None
    known = [Signal(one) for one in conversation.signals]
    made_of_it = reading.read(text[:READ_AT_MOST], before=conversation.topic, known=known, is_danger=danger)
    conversations.keep_reading(uow, message_id, made_of_it, passing=reading.outlives(made_of_it.topic))


def begin_turn(uow: UnitOfWork, conversation_id: UUID, message_id: UUID) -> None:
    """The contact wrote. Where the bot has the word, its turn comes after the debounce; without an agent a person is called.

    What was spoken is taken up once its words are known.
    """
    conversation = conversation_queries.get_conversation(uow, conversation_id)
    message = conversation_queries.get_message(uow, message_id)
    silent = conversation.handling is not Handling.BOT
    if silent or message.kind is MessageKind.REACTION or message.number <= conversation.answered_number:
        return
    published = queries.find_published_policy(uow, conversation.agent_id) if conversation.agent_id else None
    if published is None:
        conversations.hand_off(uow, conversation_id, reason="no_agent")
        return
    if conversation_queries.awaits_words(message):
        return
    _version, policy = published
    uow.emit(AnswerDue(conversation_id, message_id, message.number), delay=timedelta(milliseconds=policy.debounce_ms))


def resume_turn(uow: UnitOfWork, conversation_id: UUID) -> None:
    """Words that were waited for are there, or will not come: all that was said since is answered with them."""
    unanswered = conversation_queries.list_unanswered(uow, conversation_queries.get_conversation(uow, conversation_id))
    if unanswered:
        begin_turn(uow, conversation_id, unanswered[-1].id)


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
    if decision.outcome is Outcome.HAND_OFF and not _is_silenced(uow, conversation_id):
        return _hand_off(uow, conversation_id, str(decision.reason), situation, composed)
    if decision.outcome in {Outcome.HAND_OFF, Outcome.SILENCE}:
        conversations.note_answered(uow, conversation_id, situation.up_to_number)
        return None, Outcome.SILENCE
    try:
        reply = conversations.queue_agent_reply(
            uow, conversation_id, AgentReply(decision.text, situation.up_to_number, decision.sources)
        )
    except Refused as err:  # no consent, or the window closed while we thought
        objection = getattr(err, "objection", "refused")
        if objection == Objection.SILENCED:
            conversations.note_answered(uow, conversation_id, situation.up_to_number)
            return None, Outcome.SILENCE
        return _hand_off(uow, conversation_id, objection)
    return (reply.id, decision.outcome) if reply else (None, Outcome.SILENCE)


def leave_to_person(uow: UnitOfWork, conversation_id: UUID, up_to_number: int) -> None:
    """What was written more than a day ago; the contact hears nothing of it from the box."""
    if _is_silenced(uow, conversation_id):
        conversations.note_answered(uow, conversation_id, up_to_number)
    else:
        _hand_off(uow, conversation_id, Reason.LATE)


def _is_silenced(uow: UnitOfWork, conversation_id: UUID) -> bool:
    """They asked for it while we thought, in another thread perhaps: nobody could answer them."""
    return conversation_queries.is_silenced(uow, conversation_queries.get_conversation(uow, conversation_id))


def _hand_off(
    uow: UnitOfWork, conversation_id: UUID, reason: str, situation: Situation | None = None, composed: Composed | None = None
) -> tuple[UUID | None, Outcome]:
    """Once: a conversation that people already have stays as it is and the contact hears nothing twice."""
    if not conversations.hand_off(uow, conversation_id, reason=reason):
        return None, Outcome.SILENCE
    if situation is None or composed is None:
        return None, Outcome.HAND_OFF
    is_open = deciding.is_open(situation.policy, situation.now)
    said = conversations.say_expected(uow, conversation_id, composed.decision.text, composed.language, is_open=is_open)
    return (said.id if said else None), Outcome.HAND_OFF
