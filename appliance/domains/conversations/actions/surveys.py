"""A customer is asked how it was once the conversation is resolved, and answers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from appliance.core import i18n
from appliance.core.box import Box
from appliance.core.errors import Conflict
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as people
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Purpose
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.append import Draft, append
from appliance.domains.conversations.actions.speak import queue_from_box
from appliance.domains.conversations.events import SurveyAnswered
from appliance.domains.conversations.queries import surveys as known
from appliance.domains.conversations.rules import surveys
from appliance.domains.conversations.schemas import SurveySettingIn
from appliance.domains.conversations.tables import Conversation, Survey, SurveySetting
from appliance.domains.conversations.types import STALE, ConversationStatus, Direction, MessageKind, Sender


def set_survey(uow: UnitOfWork, channel_id: UUID, wanted: SurveySettingIn) -> SurveySetting:
    setting = known.find_setting(uow, channel_id)
    if setting is None:
        setting = SurveySetting(id=new_id(), tenant_id=uow.tenant_id, channel_id=channel_id)
        uow.session.add(setting)
    setting.active, setting.question, setting.rest_days = wanted.active, wanted.question, wanted.rest_days
    return setting


def ask(uow: UnitOfWork, conversation_id: UUID) -> Survey | None:
    """None where nothing is to be asked: switched off, a group, reopened, resolved more than a day ago, nobody answered, asked not long
    ago, not allowed, the window closed.
    """
    conversation = queries.lock_conversation(uow, conversation_id)
    setting = known.find_setting(uow, conversation.channel_id)
    if setting is None or not setting.active or conversation.is_group or conversation.status is not ConversationStatus.RESOLVED:
        return None
    is_stale = conversation.resolved_at is not None and conversation.resolved_at <= uow.now - STALE
    if is_stale or not _may_ask(uow, conversation, setting):
        return None
    survey = Survey(
        id=new_id(), tenant_id=uow.tenant_id, conversation_id=conversation.id, channel_id=conversation.channel_id, asked_at=uow.now,
        closes_at=uow.now + surveys.OPEN_FOR, user_id=conversation.assignee_id, team_id=conversation.team_id, comment="",
    )  # fmt: skip
    with i18n.in_locale(known.locale_of(uow)):
        kind, content = _question(uow, conversation, survey, setting.question)
    message = queue_from_box(uow, conversation, kind, content, purpose=Purpose.SERVICE)
    if message is None:
        return None
    survey.message_id = message.id
    uow.session.add(survey)
    return survey


def _may_ask(uow: UnitOfWork, conversation: Conversation, setting: SurveySetting) -> bool:
    return surveys.may_ask(
        now=uow.now, was_answered=known.was_answered(uow, conversation.id), rest=timedelta(days=setting.rest_days),
        last_asked_at=known.last_asked_at(uow, conversation.contact_id),
    ) and queries.agrees_to(uow, conversation, Purpose.SERVICE)  # fmt: skip


def _question(uow: UnitOfWork, conversation: Conversation, survey: Survey, own: str) -> tuple[MessageKind, dict[str, Any]]:
    """A list to tap; what cannot carry one gets it written out. By mail, links where the box has an address."""
    text = own or gettext("How was our service? From 1, very bad, to 5, excellent.")
    rows = surveys.choices(survey.id.hex, known.score_words())
    address = uow.box.settings.server.public_url.rstrip("/")
    if conversation.medium is Medium.EMAIL and address:
        place = f"{address}/rate/{survey.id}/{known.token_of(uow, survey.id)}"
        lines = [f"{row['title']}\n{place}?score={score}" for score, row in reversed(list(enumerate(rows, 1)))]
        return MessageKind.TEXT, {"text": "\n\n".join([text, *lines])}
    return MessageKind.LIST, {"text": text, "list": {"button": gettext("Rate us"), "rows": rows}}


def record_answer(uow: UnitOfWork, conversation: Conversation, answer: known.Answer) -> None:
    survey, score, comment = answer
    survey.score, survey.comment, survey.answered_at = score, comment, uow.now
    content = {"event": "rated", "score": score, "comment": comment}
    append(uow, conversation, Draft(Direction.INTERNAL, Sender.SYSTEM, MessageKind.TEXT, content))
    stars = f"{'★' * score}{'☆' * (surveys.BEST - score)}"
    people.add_timeline_entry(
        uow, conversation.contact_id, kind="service.rated", object_id=survey.id, summary=f"{stars} {comment}".strip(), happened_at=uow.now
    )
    uow.session.flush()
    uow.emit(SurveyAnswered(conversation.id, survey.id))


def thank(uow: UnitOfWork, conversation: Conversation) -> None:
    with i18n.in_locale(known.locale_of(uow)):
        queue_from_box(uow, conversation, MessageKind.TEXT, {"text": gettext("Thank you! Your answer helps us to serve you better.")})


def rate(box: Box, survey_id: UUID, token: str, *, score: int, comment: str) -> None:
    """Raises Conflict when it was answered before."""
    tenant_id, _is_open = known.check_rater(box, survey_id, token)
    with box.unit(tenant_id, known.CUSTOMER) as uow:
        survey = known.get_survey(uow, survey_id)
        conversation = queries.lock_conversation(uow, survey.conversation_id)
        uow.session.refresh(survey)
        if survey.answered_at is not None or survey.closes_at <= uow.now:
            raise Conflict(_("This was answered already, or too much time has passed."))
        record_answer(uow, conversation, (survey, score, comment))
