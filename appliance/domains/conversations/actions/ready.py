"""Quick replies and macros."""

from typing import Any, TypeVar
from uuid import UUID

from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import check_room, unique
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import aside, filing, handle, promises, speak, teams
from appliance.domains.conversations.events import ConversationChanged
from appliance.domains.conversations.queries import ready
from appliance.domains.conversations.queries import teams as known_teams
from appliance.domains.conversations.rules import filling
from appliance.domains.conversations.schemas import MacroIn, MacroPatch, MacroSteps, StateIn
from appliance.domains.conversations.tables import Conversation, Macro, QuickReply
from appliance.domains.identity import queries as identity

Kept = TypeVar("Kept", QuickReply, Macro)


def create_quick_reply(uow: UnitOfWork, fields: dict[str, Any]) -> QuickReply:
    check_room(uow, QuickReply, ready.MOST)
    return _kept(uow, QuickReply(id=new_id(), tenant_id=uow.tenant_id, **fields))


def change_quick_reply(uow: UnitOfWork, quick_reply_id: UUID, changes: dict[str, Any]) -> QuickReply:
    reply = ready.get_quick_reply(uow, quick_reply_id)
    reply.shortcut, reply.text = changes.get("shortcut") or reply.shortcut, changes.get("text") or reply.text
    return _kept(uow, reply)


def delete_quick_reply(uow: UnitOfWork, quick_reply_id: UUID) -> None:
    uow.session.delete(ready.get_quick_reply(uow, quick_reply_id))


def create_macro(uow: UnitOfWork, wanted: MacroIn) -> Macro:
    check_room(uow, Macro, ready.MOST)
    _check_receivers(uow, wanted.steps)
    return _kept(uow, Macro(id=new_id(), tenant_id=uow.tenant_id, name=wanted.name, steps=wanted.steps.model_dump(mode="json")))


def change_macro(uow: UnitOfWork, macro_id: UUID, changes: MacroPatch) -> Macro:
    macro = ready.get_macro(uow, macro_id)
    macro.name = changes.name or macro.name
    if changes.steps is not None:
        _check_receivers(uow, changes.steps)
        macro.steps = changes.steps.model_dump(mode="json")
    return _kept(uow, macro)


def delete_macro(uow: UnitOfWork, macro_id: UUID) -> None:
    uow.session.delete(ready.get_macro(uow, macro_id))


def run_macro(uow: UnitOfWork, conversation_id: UUID, macro_id: UUID, *, user_id: UUID) -> tuple[Conversation, StateIn, bool]:
    """All of it or nothing. Answers with what the conversation was before, and whether something was said."""
    steps = MacroSteps.model_validate(ready.get_macro(uow, macro_id).steps)
    conversation = queries.lock_unblocked(uow, conversation_id)
    before, values = aside.state_of(conversation), ready.values_for(uow, conversation)
    if steps.labels:
        filing.add_labels(uow, conversation, steps.labels)
    if steps.priority:
        promises.set_priority(uow, conversation_id, steps.priority)
    if steps.note:
        speak.add_note(uow, conversation_id, user_id=user_id, text=filling.filled(steps.note, values))
    if steps.team is not None:
        teams.give_to_team(uow, conversation_id, team_id=steps.team)
    if steps.assign is not None:
        handle.assign(uow, conversation_id, user_id=_assignee(steps, user_id))
    reply = filling.filled(steps.reply, values)
    if reply:
        speak.reply(uow, conversation_id, user_id=user_id, content={"text": reply})
    _change_status(uow, conversation_id, steps)
    uow.emit(ConversationChanged(conversation.id))
    return conversation, before, bool(reply)


def _assignee(steps: MacroSteps, me: UUID) -> UUID | None:
    if isinstance(steps.assign, UUID):
        return steps.assign
    return me if steps.assign == "me" else None


def _change_status(uow: UnitOfWork, conversation_id: UUID, steps: MacroSteps) -> None:
    if steps.status == "resolved":
        handle.resolve(uow, conversation_id)
    elif steps.status == "pending":
        aside.set_pending(uow, conversation_id)
    elif steps.status == "snoozed":
        aside.snooze(uow, conversation_id, until=None)


def _check_receivers(uow: UnitOfWork, steps: MacroSteps) -> None:
    """Raises Refused about a person, TeamNotFound."""
    if steps.team is not None:
        known_teams.get_team(uow, steps.team)
    if isinstance(steps.assign, UUID):
        identity.check_is_member(uow, steps.assign, "assign")


def _kept(uow: UnitOfWork, row: Kept) -> Kept:
    """Raises Conflict about a name that another has."""
    with unique(uow, _("There is one of this name already.")):
        uow.session.add(row)
    return row
