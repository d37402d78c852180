"""Objects of identity for the tests of every route."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import actions, queries
from appliance.domains.identity.actions.sessions import begin_session
from appliance.domains.identity.tables import User
from appliance.domains.identity.types import Device, SessionKind
from tests.cast import PASSWORD


def make_owner_rights(uow: UnitOfWork) -> actions.Granter:
    return actions.Granter("owner", uow.box.registry.all_permissions())


def make_session(uow: UnitOfWork) -> UUID:
    assert uow.actor.id is not None
    user = queries.get_user(uow, uow.actor.id)
    return begin_session(uow, user, SessionKind.BROWSER, Device("192.0.2.1", "tests"), tenant_id=uow.tenant_id).session_id


def make_invitation(uow: UnitOfWork) -> actions.Invited:
    return actions.invite_as_box(uow, email="eva@solara.example", role="agent")


def make_role(uow: UnitOfWork) -> UUID:
    return actions.create_role(uow, name=f"Papel {new_id().hex[-12:]}", permissions=["audit:read"], granter=make_owner_rights(uow)).id


def make_api_key(uow: UnitOfWork) -> UUID:
    assert uow.actor.id is not None
    return actions.create_api_key(uow, user_id=uow.actor.id, name="ERP", scopes=["tenant:read"], granter=make_owner_rights(uow)).key.id


def make_member(uow: UnitOfWork) -> UUID:
    user = User(id=new_id(), email=f"{new_id().hex}@solara.example", name="Fábio", password_hash="none", created_at=uow.now)
    uow.session.add(user)
    uow.session.flush()
    return actions.add_member(uow, user, "agent").id


PATH_PARAMETERS = {
    "tenant_id": lambda uow: uow.tenant_id,
    "member_id": make_member,
    "session_id": make_session,
    "invitation_id": lambda uow: make_invitation(uow).invitation.id,
    "token": lambda uow: make_invitation(uow).token,
    "role_id": make_role,
    "api_key_id": make_api_key,
}

BODIES = {
    "PATCH /api/v1/tenants/<uuid:tenant_id>": {"name": "Outro nome"},
    "PATCH /api/v1/tenants/<uuid:tenant_id>/members/<uuid:member_id>": {"region": "Sul"},
    "PATCH /api/v1/tenants/<uuid:tenant_id>/roles/<uuid:role_id>": {"name": "Outra"},
    "POST /api/v1/auth/register": {"token": "x", "name": "Eva", "password": PASSWORD},
}
