"""What an organisation promises. Promises made already stay as they are."""

from uuid import UUID

from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import check_room, unique
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.queries import promises, teams
from appliance.domains.conversations.schemas import SlaPolicyIn
from appliance.domains.conversations.tables import SlaPolicy


def create_policy(uow: UnitOfWork, wanted: SlaPolicyIn) -> SlaPolicy:
    check_room(uow, SlaPolicy, promises.MOST)
    return _saved(uow, SlaPolicy(id=new_id(), tenant_id=uow.tenant_id), wanted)


def change_policy(uow: UnitOfWork, policy_id: UUID, wanted: SlaPolicyIn) -> SlaPolicy:
    return _saved(uow, promises.get_policy(uow, policy_id), wanted)


def delete_policy(uow: UnitOfWork, policy_id: UUID) -> None:
    uow.session.delete(promises.get_policy(uow, policy_id))


def _saved(uow: UnitOfWork, policy: SlaPolicy, wanted: SlaPolicyIn) -> SlaPolicy:
    """Raises Conflict about a name that another has, TeamNotFound."""
    if wanted.team_id is not None:
        teams.get_team(uow, wanted.team_id)
    with unique(uow, _("There is one of this name already.")):
        policy.name, policy.channel_id, policy.team_id = wanted.name, wanted.channel_id, wanted.team_id
        policy.targets = wanted.model_dump(mode="json")["targets"]
        uow.session.add(policy)
    return policy
