"""Conversations as customers begin them, and what stands ready for them."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import filing, ready, service_levels, teams, views
from appliance.domains.conversations.schemas import MacroIn, MacroSteps, SavedViewIn, SlaPolicyIn, TeamIn, ViewFilters
from appliance.domains.conversations.tables import Survey
from tests.factories.channels import make_simulator, say

TARGETS = {"normal": {"first_reply": 15}}


def make_conversation(uow: UnitOfWork) -> UUID:
    return say(uow, make_simulator(uow), "Oi, quanto custa?")


def make_message(uow: UnitOfWork) -> UUID:
    return queries.list_messages(uow, make_conversation(uow))[0].id


def make_label(uow: UnitOfWork) -> UUID:
    return filing.create_label(uow, {"name": f"label {new_id()}"[:40]}).id


def make_quick_reply(uow: UnitOfWork) -> UUID:
    return ready.create_quick_reply(uow, {"shortcut": new_id().hex, "text": "Olá!"}).id


def make_macro(uow: UnitOfWork) -> UUID:
    return ready.create_macro(uow, MacroIn(name=f"macro {new_id()}", steps=MacroSteps(status="pending"))).id


def make_team(uow: UnitOfWork) -> UUID:
    return teams.create_team(uow, TeamIn(name=f"team {new_id()}")).id


def make_policy(uow: UnitOfWork) -> UUID:
    return service_levels.create_policy(uow, SlaPolicyIn(name=f"level {new_id()}", targets=TARGETS)).id


def make_survey(uow: UnitOfWork) -> UUID:
    conversation_id = make_conversation(uow)
    survey = Survey(
        id=new_id(), tenant_id=uow.tenant_id, conversation_id=conversation_id, channel_id=new_id(), asked_at=uow.now,
        closes_at=uow.now, comment="",
    )  # fmt: skip
    uow.session.add(survey)
    return survey.id


def make_view(uow: UnitOfWork) -> UUID:
    return views.create_view(uow, SavedViewIn(name=f"view {new_id()}"[:40], filters=ViewFilters(), shared=True), user_id=new_id()).id


PATH_PARAMETERS = {
    "conversation_id": make_conversation,
    "label_id": make_label,
    "macro_id": make_macro,
    "message_id": make_message,
    "policy_id": make_policy,
    "quick_reply_id": make_quick_reply,
    "proof": lambda _uow: "x" * 40,
    "survey_id": make_survey,
    "team_id": make_team,
    "view_id": make_view,
}

BODIES = {
    "POST /api/v1/conversations/<uuid:conversation_id>/reply": {"text": "Já respondo."},
    "PUT /api/v1/conversations/<uuid:conversation_id>/state": {
        "labels": [], "assignee_id": None, "handling": "bot", "status": "open", "snoozed_until": None,
    },
    "POST /api/v1/macros": {"name": "Encerrar", "steps": {"status": "resolved"}},
    "POST /api/v1/inbox-views": {"name": "VIP", "filters": {"label": "vip"}},
    "PUT /api/v1/survey-settings": {"channel_id": str(new_id())},
    "POST /api/v1/sla-policies": {"name": "Padrão", "targets": TARGETS},
    "PUT /api/v1/sla-policies/<uuid:policy_id>": {"name": "Padrão", "targets": TARGETS},
    "POST /api/v1/quick-replies": {"shortcut": "oi", "text": "Olá!"},
}  # fmt: skip
