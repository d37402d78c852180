"""Teams, and who of them gets what comes."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import check_room, unique
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.handle import assign, await_person
from appliance.domains.conversations.actions.notices import tell_waiting
from appliance.domains.conversations.actions.stop import hush
from appliance.domains.conversations.events import ConversationChanged
from appliance.domains.conversations.queries import teams
from appliance.domains.conversations.rules import dealing
from appliance.domains.conversations.schemas import TeamIn, TeamPatch
from appliance.domains.conversations.tables import Conversation, Team, TeamMember
from appliance.domains.conversations.types import ConversationStatus
from appliance.domains.identity import queries as identity

PRESENT_FOR = timedelta(minutes=15)
PUT_BACK = ("unassigned", "team")


def create_team(uow: UnitOfWork, wanted: TeamIn) -> Team:
    check_room(uow, Team, teams.MOST)
    team = Team(id=new_id(), tenant_id=uow.tenant_id, members=[])
    _save(uow, team, wanted.model_dump(exclude={"member_ids"}), wanted.member_ids)
    return team


def change_team(uow: UnitOfWork, team_id: UUID, changes: TeamPatch) -> Team:
    team = teams.get_team(uow, team_id)
    member_ids = [member.user_id for member in team.members] if changes.member_ids is None else changes.member_ids
    _save(uow, team, changes.model_dump(exclude_unset=True, exclude={"member_ids"}), member_ids)
    return team


def delete_team(uow: UnitOfWork, team_id: UUID) -> None:
    """Its conversations stay with whoever has them."""
    team = teams.get_team(uow, team_id)
    uow.session.execute(update(Conversation).where(Conversation.team_id == team_id).values(team_id=None))
    uow.session.delete(team)


def _save(uow: UnitOfWork, team: Team, fields: Mapping[str, object], member_ids: Iterable[UUID]) -> None:
    """Raises Conflict about a name that another team has."""
    wanted = set(member_ids)
    for user_id in sorted(wanted):
        identity.check_is_member(uow, user_id, "member_ids")
    kept = [member for member in team.members if member.user_id in wanted]
    new = wanted - {member.user_id for member in kept}
    if fields.get("takes_handoffs"):  # what is given up goes to one place
        uow.session.execute(update(Team).where(Team.id != team.id).values(takes_handoffs=False))
    with unique(uow, _("There is one of this name already.")):
        for name, value in fields.items():
            setattr(team, name, value)
        team.members = kept + [
            TeamMember(id=new_id(), tenant_id=uow.tenant_id, team_id=team.id, user_id=user_id) for user_id in sorted(new)
        ]
        uow.session.add(team)


def give_to_team(uow: UnitOfWork, conversation_id: UUID, *, team_id: UUID | None) -> Conversation:
    """It is the team's from here: dealt to one of them, or waiting for the first who takes it. None: no team's any more."""
    conversation = queries.lock_unblocked(uow, conversation_id)
    if team_id is None:
        conversation.team_id = None
    else:
        team = teams.get_team(uow, team_id)
        conversation.team_id = team.id
        if not _deal(uow, conversation, team):
            await_person(uow, conversation, "team")
    uow.emit(ConversationChanged(conversation.id))
    return conversation


def deal_waiting(uow: UnitOfWork, conversation_id: UUID) -> bool:
    """What waits for a person goes to one of its team, or of the team that takes what the bot gives up."""
    conversation = queries.lock_conversation(uow, conversation_id)
    if conversation.waiting_since is None or conversation.status is not ConversationStatus.OPEN:
        return False
    team = teams.find_team_for(uow, conversation)
    if team is None:
        return False
    conversation.team_id = team.id
    return _deal(uow, conversation, team)


def call_person(uow: UnitOfWork, conversation_id: UUID, reason: str = "", *, is_overdue: bool = False) -> None:
    """Dealt to one, or told to all whose it could be. What asks for no answer, where no agent answers, calls nobody; nor does who asked
    for silence.
    """
    conversation = queries.lock_conversation(uow, conversation_id)
    if queries.is_silenced(uow, conversation):
        hush(uow, conversation)
        return
    if reason not in PUT_BACK and deal_waiting(uow, conversation_id):
        return
    if conversation.waiting_since is None or conversation.status is not ConversationStatus.OPEN:
        return
    if conversation.handoff_reason != "no_agent" or queries.list_unanswered(uow, conversation, limit=1):
        tell_waiting(uow, conversation, is_overdue=is_overdue)


def _deal(uow: UnitOfWork, conversation: Conversation, team: Team) -> bool:
    """The team's rows are locked, so that two conversations that come together do not go to the same person."""
    if not team.deals:
        return False
    members = {member.user_id: member for member in teams.lock_members(uow, team.id)}
    chosen = dealing.next_of(teams.seats_of(uow, members.values(), since=uow.now - PRESENT_FOR))
    if chosen is None:
        return False
    members[chosen].given_at = uow.now
    assign(uow, conversation.id, user_id=chosen)
    return True
