"""Conversations as customers begin them, and what stands ready for them."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import filing, ready, teams
from appliance.domains.conversations.schemas import MacroIn, MacroSteps, TeamIn
from tests.factories.channels import make_simulator, say


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


PATH_PARAMETERS = {
    "conversation_id": make_conversation,
    "label_id": make_label,
    "macro_id": make_macro,
    "message_id": make_message,
    "quick_reply_id": make_quick_reply,
    "team_id": make_team,
}

BODIES = {
    "POST /api/v1/conversations/<uuid:conversation_id>/reply": {"text": "Já respondo."},
    "PUT /api/v1/conversations/<uuid:conversation_id>/state": {
        "labels": [], "assignee_id": None, "handling": "bot", "status": "open", "snoozed_until": None,
    },
    "POST /api/v1/macros": {"name": "Encerrar", "steps": {"status": "resolved"}},
    "POST /api/v1/quick-replies": {"shortcut": "oi", "text": "Olá!"},
}  # fmt: skip
