from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, or_, select

from appliance.core.ids import NIL, first_id_at
from appliance.core.uow import UnitOfWork
from appliance.domains.agents.queries.agents import find_published_policy
from appliance.domains.agents.rules import turns
from appliance.domains.agents.tables import ReplyRun, ReplyStep
from appliance.domains.agents.types import Outcome, Policy, Said, Situation
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.types import Handling

CONTEXT_MESSAGES = 8


def read_situation(uow: UnitOfWork, conversation_id: UUID, *, due: int) -> Situation | None:
    """What the agent needs to take its turn on message `due`; None when it is not (or no longer) its turn."""
    conversation = conversations.get_conversation(uow, conversation_id)
    published = find_published_policy(uow, conversation.agent_id) if conversation.agent_id else None
    if conversation.handling is not Handling.BOT or conversation.agent_id is None or published is None:
        return None
    unanswered = conversations.list_unanswered(uow, conversation)
    version, policy = published
    if any(conversations.awaits_words(message) for message in unanswered):  # its words bring the turn back
        return None
    if not unanswered or not turns.is_turn(
        newest=unanswered[-1].number, due=due, oldest_at=unanswered[0].created_at, now=uow.now, debounce_ms=policy.debounce_ms
    ):
        return None
    earlier = conversations.list_recent(uow, conversation_id, before=unanswered[0].number, limit=CONTEXT_MESSAGES)
    return Situation(
        agent_id=conversation.agent_id,
        version=version,
        policy=policy,
        unanswered=tuple(map(_said, unanswered)),
        earlier=tuple(Said(conversations.is_from_contact(message), conversations.text_of(message)) for message in earlier),
        now=uow.now,
        up_to_number=unanswered[-1].number,
        conversation_id=conversation_id,
        message_id=unanswered[-1].id,
        fallbacks_in_a_row=_fallbacks(uow, conversation_id),
        recent_replies=conversations.count_agent_replies(uow, conversation_id, since=uow.now - turns.BURST),
    )


def is_late(uow: UnitOfWork, conversation_id: UUID) -> bool:
    """They wrote more than a day ago: no machine's to answer any more."""
    return conversations.is_late(uow, conversations.get_conversation(uow, conversation_id))


def _said(message: conversations.Message) -> Said:
    is_spoken, is_unheard = conversations.is_spoken(message), conversations.is_unheard(message)
    return Said(by_contact=True, text=conversations.text_of(message), is_spoken=is_spoken, is_unheard=is_unheard)


def read_open_question(uow: UnitOfWork, conversation_id: UUID) -> Situation | None:
    """What the contact waits to hear, whoever has the word: said since our last answer, else the last thing they said."""
    conversation = conversations.get_conversation(uow, conversation_id)
    published = find_published_policy(uow, conversation.agent_id) if conversation.agent_id else None
    version, policy = published or (0, Policy(own_knowledge_only=False))
    recent = conversations.list_recent(uow, conversation_id, before=conversation.last_number + 1, limit=CONTEXT_MESSAGES)
    asked = conversations.list_unanswered(uow, conversation) or [one for one in recent if conversations.is_from_contact(one)][-1:]
    said = tuple(Said(by_contact=True, text=conversations.text_of(message)) for message in asked)
    if not any(one.text.strip() for one in said):
        return None
    earlier = conversations.list_recent(uow, conversation_id, before=asked[0].number, limit=CONTEXT_MESSAGES)
    return Situation(
        agent_id=conversation.agent_id or NIL,
        version=version,
        policy=policy,
        unanswered=said,
        earlier=tuple(Said(conversations.is_from_contact(message), conversations.text_of(message)) for message in earlier),
        now=uow.now,
        up_to_number=asked[-1].number,
        conversation_id=conversation_id,
    )


def _fallbacks(uow: UnitOfWork, conversation_id: UUID) -> int:
    """How many of the last turns in a row found nothing to say."""
    last = select(ReplyRun.outcome).where(ReplyRun.conversation_id == conversation_id, ReplyRun.outcome != Outcome.SILENCE)
    outcomes = uow.session.scalars(last.order_by(ReplyRun.created_at.desc(), ReplyRun.id.desc()).limit(10)).all()
    return next((count for count, outcome in enumerate(outcomes) if outcome is not Outcome.FALLBACK), len(outcomes))


def find_run(uow: UnitOfWork, message_id: UUID) -> ReplyRun | None:
    """The run behind a message: the one that wrote it, or the one it set off."""
    wanted = select(ReplyRun).where(or_(ReplyRun.reply_id == message_id, ReplyRun.message_id == message_id))
    return uow.session.scalar(wanted.order_by(ReplyRun.created_at.desc()).limit(1))


def list_steps(uow: UnitOfWork, run_ids: Iterable[UUID]) -> Sequence[ReplyStep]:
    """Of all these runs, those of each in their order."""
    return uow.session.scalars(select(ReplyStep).where(ReplyStep.run_id.in_(list(run_ids))).order_by(ReplyStep.position)).all()


def list_runs(uow: UnitOfWork, conversation_id: UUID, *, limit: int = 50) -> Sequence[ReplyRun]:
    wanted = select(ReplyRun).where(ReplyRun.conversation_id == conversation_id)
    return uow.session.scalars(wanted.order_by(ReplyRun.created_at.desc()).limit(limit)).all()


def count_hand_offs(uow: UnitOfWork, starts: Sequence[datetime]) -> list[int]:
    """How often agents called a person, for each day of `starts` (as `conversations.queries.list_days` counts days)."""
    day = case(*((ReplyRun.created_at >= starts[at], at) for at in reversed(range(len(starts)))))
    recent = (ReplyRun.id >= first_id_at(starts[0]), ReplyRun.created_at >= starts[0])
    statement = select(day, func.count(ReplyRun.id)).where(*recent, ReplyRun.outcome == Outcome.HAND_OFF).group_by(day)
    found = {row[0]: row[1] for row in uow.session.execute(statement)}
    return [found.get(at, 0) for at in range(len(starts))]
