"""Who works here, with which role, and who is invited."""

from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, PageQuery, Schema, current_principal, read_form
from appliance.core.web.auth import check_access
from appliance.domains.identity import actions, queries, schemas
from appliance.domains.identity.types import OWNER, MemberStatus
from webui.admin.pages import pages
from webui.fields import Email

ROLE_NAMES = {
    "owner": _("Owner"),
    "admin": _("Administrator"),
    "manager": _("Manager"),
    "rep": _("Sales"),
    "agent": _("Service"),
    "read_only": _("Read only"),
}


class MembersQuery(PageQuery):
    q: str = Field("", max_length=200)


class InviteForm(Schema):
    email: Email
    role: str = Field(min_length=1, max_length=40)


def role_name(key: str) -> str:
    return str(ROLE_NAMES.get(key, key))


@pages.get("/admin/members", permission="members:read", query=MembersQuery)
def members(uow: UnitOfWork, query: MembersQuery) -> str:
    return _page(uow, query)


@pages.get("/admin/invitations", permission="members:read")
def invitations(uow: UnitOfWork) -> Response:
    """The address of a form that was sent, opened again."""
    del uow
    return redirect(url_for("admin.members"))


@pages.post("/admin/invitations", permission="members:write")
def invite(uow: UnitOfWork) -> str | tuple[str, int]:
    form = read_form(InviteForm)
    query = MembersQuery.model_validate({})
    if form.value is None:
        return _page(uow, query, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        invited = actions.invite(uow, email=form.value.email, role=form.value.role, granter=_granter())
    except Refused as err:
        return _page(uow, query, form.refused(err)), HTTPStatus.UNPROCESSABLE_ENTITY
    except DomainError as err:
        return _page(uow, query, Form(None, {"email": str(err)}, form.raw)), err.status
    uow.session.flush()
    return _page(uow, query, link=_link(invited), invited=invited.invitation.email)


@pages.post("/admin/invitations/<uuid:invitation_id>/resend", permission="members:write")
def resend(uow: UnitOfWork, invitation_id: UUID) -> str:
    invited = actions.resend_invitation(uow, invitation_id, _granter())
    return _page(uow, MembersQuery.model_validate({}), link=_link(invited), invited=invited.invitation.email)


@pages.post("/admin/invitations/<uuid:invitation_id>/revoke", permission="members:write")
def revoke(uow: UnitOfWork, invitation_id: UUID) -> Response:
    invitation = actions.revoke_invitation(uow, invitation_id, _granter())
    flash(gettext("The link sent to %(email)s no longer works.", email=invitation.email))
    return redirect(url_for("admin.members"))


@pages.post("/admin/members/<uuid:member_id>/role", permission="members:write")
def change_role(uow: UnitOfWork, member_id: UUID) -> Response:
    role = request.form.get("role", "")
    member = actions.change_member(uow, member_id, {"role": role}, _granter())
    flash(gettext("%(name)s is now: %(role)s.", name=member.name, role=role_name(member.role)))
    return redirect(url_for("admin.members"))


@pages.post("/admin/members/<uuid:member_id>/status", permission="members:write")
def change_status(uow: UnitOfWork, member_id: UUID) -> Response:
    status = MemberStatus.DISABLED if request.form.get("status") == MemberStatus.DISABLED else MemberStatus.ACTIVE
    member = actions.change_member(uow, member_id, {"status": status}, _granter())
    if status is MemberStatus.DISABLED:
        flash(gettext("%(name)s can no longer enter. Sessions and keys ended.", name=member.name))
    else:
        flash(gettext("%(name)s can enter again.", name=member.name))
    return redirect(url_for("admin.members"))


@pages.post("/admin/members/<uuid:member_id>/remove", permission="members:write")
def remove(uow: UnitOfWork, member_id: UUID) -> Response:
    name = queries.get_member(uow, member_id).name
    actions.remove_member(uow, member_id, _granter())
    flash(gettext("%(name)s is no longer a member.", name=name))
    return redirect(url_for("admin.members"))


def _granter() -> actions.Granter:
    return actions.Granter.of(check_access(current_principal(), None))


def _link(invited: actions.Invited) -> str:
    return url_for("signin.join", token=invited.token, _external=True)


def _page(uow: UnitOfWork, query: MembersQuery, form: Form[InviteForm] | None = None, *, link: str = "", invited: str = "") -> str:
    found = queries.list_members(uow, schemas.MembersQuery(search=query.q, page=query.page, limit=query.limit))
    mine = check_access(current_principal(), None)
    roles = [(role.key, role_name(role.key) if role.built_in else role.name) for role in queries.list_roles(uow)]
    return render_template(
        "admin/members.html", page=found, query=query, roles=dict(roles),
        grantable=[pair for pair in roles if pair[0] != OWNER or mine.role == OWNER], invitations=queries.list_invitations(uow),
        form=form or Form(None, {}, {}), link=link, invited=invited, now=uow.now,
    )  # fmt: skip
