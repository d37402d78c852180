from uuid import UUID

from appliance.core import web
from appliance.core.errors import Forbidden
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import actions, queries, schemas
from appliance.domains.identity.actions import Granter, Invited
from appliance.domains.identity.api.requests import person, who
from appliance.domains.identity.errors import NoSuchTenant
from appliance.domains.identity.tables import Invitation, Tenant
from appliance.domains.identity.types import OWNER

api = web.Api("tenants")


@api.get(
    "/tenants", summary="One's own organisations; all of the box for the operator",
    query=web.PageQuery, returns=web.PageOf[schemas.TenantOut], unit=False,
)  # fmt: skip
def list_tenants(call: web.Call, query: web.PageQuery) -> web.Page[Tenant]:
    me = call.who
    own = None if me.is_operator else [tenant_id for tenant_id, _name in me.tenants if me.via != "api_key" or tenant_id == me.tenant_id]
    with call.box.whole_box("list tenants", me.actor, read_only=True) as uow:
        return queries.list_tenants(uow, query, ids=own)


@api.post(
    "/tenants", permission="tenants:create", body=schemas.TenantIn, returns=schemas.TenantCreatedOut, status=201, unit=False,
    shows_secret=True,
)  # fmt: skip
def create_tenant(call: web.Call, body: schemas.TenantIn) -> schemas.TenantCreatedOut:
    """Its owner is invited; without `owner_email` the operator becomes the owner."""
    me = person()
    with call.box.whole_box("create tenant", me.actor) as uow:
        tenant = actions.create_tenant(uow, name=body.name, slug=body.slug or "", locale=body.locale, timezone=body.timezone)
        with actions.as_tenant(uow, tenant.id) as theirs:
            invited = actions.invite_as_box(theirs, email=body.owner_email, role=OWNER) if body.owner_email else None
            if invited is None:
                actions.add_member(theirs, queries.get_user(uow, me.user_id), OWNER)
        return schemas.TenantCreatedOut(tenant=schemas.TenantOut.model_validate(tenant), owner_invitation=invited and _shown(call, invited))


def _reachable(me: web.Principal, tenant_id: UUID) -> UUID:
    """One's own tenant, or any for the operator."""
    if tenant_id != me.tenant_id and not me.is_operator:
        raise NoSuchTenant
    return tenant_id


@api.get("/tenants/<uuid:tenant_id>", permission="tenant:read", returns=schemas.TenantOut, whose=_reachable)
def read_tenant(uow: UnitOfWork, tenant_id: UUID) -> Tenant:
    return queries.get_tenant(uow, tenant_id)


@api.patch(
    "/tenants/<uuid:tenant_id>", permission="tenant:write", body=schemas.TenantChange, returns=schemas.TenantOut, whose=_reachable
)
def change_tenant(uow: UnitOfWork, tenant_id: UUID, body: schemas.TenantChange) -> Tenant:
    if body.status is not None and not who().is_operator:
        raise Forbidden(_("Only the operator of the box changes this."))
    return actions.change_tenant(uow, tenant_id, body.model_dump(exclude_unset=True, exclude_none=True))


@api.get("/tenants/<uuid:tenant_id>/members", permission="members:read", query=schemas.MembersQuery, returns=web.PageOf[schemas.MemberOut])
def list_members(uow: UnitOfWork, tenant_id: UUID, query: schemas.MembersQuery) -> web.Page[schemas.MemberOut]:
    _check_own(uow, tenant_id)
    return queries.list_members(uow, query)


@api.get("/tenants/<uuid:tenant_id>/members/<uuid:member_id>", permission="members:read", returns=schemas.MemberOut)
def read_member(uow: UnitOfWork, tenant_id: UUID, member_id: UUID) -> schemas.MemberOut:
    _check_own(uow, tenant_id)
    return queries.get_member(uow, member_id)


@api.patch(
    "/tenants/<uuid:tenant_id>/members/<uuid:member_id>", permission="members:write", body=schemas.MemberChange, returns=schemas.MemberOut
)
def change_member(uow: UnitOfWork, tenant_id: UUID, member_id: UUID, body: schemas.MemberChange) -> schemas.MemberOut:
    _check_own(uow, tenant_id)
    changes = body.model_dump(exclude_unset=True, exclude_none=True)
    return actions.change_member(uow, member_id, changes, Granter.of(who()))


@api.delete("/tenants/<uuid:tenant_id>/members/<uuid:member_id>", permission="members:write")
def remove_member(uow: UnitOfWork, tenant_id: UUID, member_id: UUID) -> None:
    _check_own(uow, tenant_id)
    actions.remove_member(uow, member_id, Granter.of(who()))


@api.get("/tenants/<uuid:tenant_id>/invitations", permission="members:read", returns=list[schemas.InvitationOut])
def list_invitations(uow: UnitOfWork, tenant_id: UUID) -> list[Invitation]:
    _check_own(uow, tenant_id)
    return queries.list_invitations(uow)


@api.post(
    "/tenants/<uuid:tenant_id>/invitations", permission="members:write", body=schemas.InvitationIn, returns=schemas.InvitedOut, status=201,
    shows_secret=True,
)  # fmt: skip
def invite(uow: UnitOfWork, tenant_id: UUID, body: schemas.InvitationIn) -> schemas.InvitedOut:
    _check_own(uow, tenant_id)
    return _shown(uow, actions.invite(uow, email=body.email, role=body.role, granter=Granter.of(who())))


@api.post(
    "/tenants/<uuid:tenant_id>/invitations/<uuid:invitation_id>/resend", permission="members:write", returns=schemas.InvitedOut,
    shows_secret=True,
)  # fmt: skip
def resend_invitation(uow: UnitOfWork, tenant_id: UUID, invitation_id: UUID) -> schemas.InvitedOut:
    _check_own(uow, tenant_id)
    return _shown(uow, actions.resend_invitation(uow, invitation_id, Granter.of(who())))


@api.delete("/tenants/<uuid:tenant_id>/invitations/<uuid:invitation_id>", permission="members:write")
def revoke_invitation(uow: UnitOfWork, tenant_id: UUID, invitation_id: UUID) -> None:
    _check_own(uow, tenant_id)
    actions.revoke_invitation(uow, invitation_id, Granter.of(who()))


@api.get("/tenants/<uuid:tenant_id>/roles/<uuid:role_id>", permission="roles:read", returns=schemas.RoleOut)
def read_role(uow: UnitOfWork, tenant_id: UUID, role_id: UUID) -> schemas.RoleOut:
    _check_own(uow, tenant_id)
    return queries.role_view(queries.get_role(uow, role_id))


@api.get("/tenants/<uuid:tenant_id>/roles", permission="roles:read", returns=list[schemas.RoleOut])
def list_roles(uow: UnitOfWork, tenant_id: UUID) -> list[schemas.RoleOut]:
    _check_own(uow, tenant_id)
    return queries.list_roles(uow)


@api.post("/tenants/<uuid:tenant_id>/roles", permission="roles:write", body=schemas.RoleIn, returns=schemas.RoleOut, status=201)
def create_role(uow: UnitOfWork, tenant_id: UUID, body: schemas.RoleIn) -> schemas.RoleOut:
    _check_own(uow, tenant_id)
    return queries.role_view(actions.create_role(uow, name=body.name, permissions=body.permissions, granter=Granter.of(who())))


@api.patch("/tenants/<uuid:tenant_id>/roles/<uuid:role_id>", permission="roles:write", body=schemas.RoleChange, returns=schemas.RoleOut)
def change_role(uow: UnitOfWork, tenant_id: UUID, role_id: UUID, body: schemas.RoleChange) -> schemas.RoleOut:
    _check_own(uow, tenant_id)
    role = actions.change_role(uow, role_id, name=body.name, permissions=body.permissions, granter=Granter.of(who()))
    return queries.role_view(role)


@api.delete("/tenants/<uuid:tenant_id>/roles/<uuid:role_id>", permission="roles:write")
def delete_role(uow: UnitOfWork, tenant_id: UUID, role_id: UUID) -> None:
    _check_own(uow, tenant_id)
    actions.delete_role(uow, role_id)


def _check_own(uow: UnitOfWork, tenant_id: UUID) -> None:
    if tenant_id != uow.tenant_id:
        raise NoSuchTenant


def _shown(within: UnitOfWork | web.Call, invited: Invited) -> schemas.InvitedOut:
    shown = schemas.InvitationOut.model_validate(invited.invitation)
    return schemas.InvitedOut(invitation=shown, token=invited.token, link=f"{within.box.settings.public_url}/join/{invited.token}")
