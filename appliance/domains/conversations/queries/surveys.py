"""What customers said of how it was."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, select

from appliance.core import crypto, i18n
from appliance.core.box import Box
from appliance.core.i18n import gettext
from appliance.core.rows import required
from appliance.core.uow import Actor, UnitOfWork
from appliance.domains.conversations.errors import SurveyNotFound
from appliance.domains.conversations.queries.figures import NEVER_SAID
from appliance.domains.conversations.rules import surveys, wording
from appliance.domains.conversations.tables import Conversation, Message, Survey, SurveySetting
from appliance.domains.conversations.types import ConversationStatus, Direction, Incoming, MessageKind, Sender
from appliance.domains.identity import queries as identity

COUNTED = timedelta(days=90)
RECENTLY = timedelta(days=7)
CUSTOMER = Actor("contact", name="survey")
Answer = tuple[Survey, int, str]


@dataclass(frozen=True)
class Satisfaction:
    """Of the last 90 days. `scores`: how many gave each, from 1 on."""

    asked: int
    answered: int
    average: float | None
    scores: list[int]


def list_settings(uow: UnitOfWork) -> dict[UUID, SurveySetting]:
    return {row.channel_id: row for row in uow.session.scalars(select(SurveySetting).limit(500))}


def find_setting(uow: UnitOfWork, channel_id: UUID) -> SurveySetting | None:
    return uow.session.scalar(select(SurveySetting).where(SurveySetting.channel_id == channel_id))


def get_survey(uow: UnitOfWork, survey_id: UUID) -> Survey:
    return required(uow.session.get(Survey, survey_id), SurveyNotFound)


def find_open(uow: UnitOfWork, conversation_id: UUID) -> Survey | None:
    """Asked, and waiting for an answer."""
    waiting = select(Survey).where(Survey.conversation_id == conversation_id, Survey.answered_at.is_(None), Survey.closes_at > uow.now)
    return uow.session.scalar(waiting.order_by(Survey.asked_at.desc()).limit(1))


def list_surveys(uow: UnitOfWork, conversation_id: UUID) -> Sequence[Survey]:
    """Newest first."""
    return uow.session.scalars(
        select(Survey).where(Survey.conversation_id == conversation_id).order_by(Survey.asked_at.desc()).limit(50)
    ).all()


def list_answered(uow: UnitOfWork, *, limit: int = 20) -> Sequence[Survey]:
    """Newest first, of the last 90 days."""
    answered = select(Survey).where(Survey.answered_at >= uow.now - COUNTED)
    return uow.session.scalars(answered.order_by(Survey.answered_at.desc()).limit(limit)).all()


def find_scores(uow: UnitOfWork, conversation_id: UUID) -> set[int]:
    """The numbers of the messages that answered the question, written in the same unit as the answer was noted."""
    given = select(func.min(Message.number)).join(
        Survey, and_(Survey.conversation_id == Message.conversation_id, Survey.answered_at == Message.created_at)
    )
    own = given.where(Message.conversation_id == conversation_id, Message.direction == Direction.INBOUND)
    return {number for number in uow.session.scalars(own.group_by(Survey.id)) if number is not None}


def last_asked_at(uow: UnitOfWork, contact_id: UUID) -> datetime | None:
    """On whatever channel."""
    asked = select(func.max(Survey.asked_at)).join(Conversation, Conversation.id == Survey.conversation_id)
    return uow.session.scalar(asked.where(Conversation.contact_id == contact_id))


def was_answered(uow: UnitOfWork, conversation_id: UUID) -> bool:
    """In the last days somebody, or the agent, said something that was not taken back."""
    said = select(Message.id).where(
        Message.conversation_id == conversation_id, Message.sender.in_((Sender.USER, Sender.AGENT_AI)),
        Message.kind.not_in((MessageKind.NOTE, MessageKind.REACTION)), Message.status.not_in(NEVER_SAID),
        Message.created_at >= uow.now - RECENTLY,
    )  # fmt: skip
    return uow.session.scalar(said.limit(1)) is not None


def measure_satisfaction(uow: UnitOfWork) -> Satisfaction:
    since = uow.now - COUNTED
    asked = uow.session.scalar(select(func.count(Survey.id)).where(Survey.asked_at >= since)) or 0
    rows = uow.session.execute(select(Survey.score, func.count(Survey.id)).where(Survey.answered_at >= since).group_by(Survey.score)).all()
    given = {row[0]: row[1] for row in rows}
    scores = [given.get(score, 0) for score in range(1, surveys.BEST + 1)]
    answered = sum(scores)
    total = sum(score * count for score, count in enumerate(scores, 1))
    return Satisfaction(asked, answered, round(total / answered, 2) if answered else None, scores)


def token_of(uow: UnitOfWork, survey_id: UUID) -> str:
    """What proves that a link was made by this box."""
    return crypto.proof_of(uow.box.keys.tenant_key(uow.tenant_id), "surveys", survey_id)


def locale_of(uow: UnitOfWork) -> str:
    tenant = identity.find_tenant(uow, uow.tenant_id)
    return tenant.locale if tenant else i18n.DEFAULT_LOCALE


def score_words() -> list[str]:
    """From the worst to the best."""
    return [gettext("Very bad"), gettext("Bad"), gettext("Fair"), gettext("Good"), gettext("Excellent")]


def find_answer(uow: UnitOfWork, conversation: Conversation, message: Incoming) -> Answer | None:
    """The open question that this message answers; words only count while nothing else was opened since."""
    is_resolved = conversation.status is ConversationStatus.RESOLVED
    if not is_resolved and "choice" not in message.content:
        return None
    survey = find_open(uow, conversation.id)
    if survey is None:
        return None
    tapped = surveys.chosen_score(message.content, survey.id.hex)
    if tapped is not None:
        return survey, tapped, ""
    with i18n.in_locale(locale_of(uow)):
        titles = score_words()
    written = surveys.written_score(wording.text_of(message.content), titles) if is_resolved else None
    return (survey, *written) if written else None


def check_rater(box: Box, survey_id: UUID, token: str) -> tuple[UUID, bool]:
    """Tenant, and whether it can still be answered. Raises SurveyNotFound, also for a link that somebody made up."""
    with box.whole_box("survey", read_only=True) as uow:
        survey = get_survey(uow, survey_id)
        tenant_id, is_open = survey.tenant_id, survey.answered_at is None and survey.closes_at > uow.now
    with box.unit(tenant_id, CUSTOMER, read_only=True) as uow:
        if not hmac.compare_digest(token, token_of(uow, survey_id)):
            raise SurveyNotFound
    return tenant_id, is_open
