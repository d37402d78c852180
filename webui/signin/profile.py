"""One's own page: name and language, password, sessions, API keys."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import gettext as _
from appliance.core.i18n import ngettext, use_locale
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Form, Principal, Schema, current_principal, read_form
from appliance.core.web.auth import check_access
from appliance.domains.identity import actions, queries
from webui.fields import Name
from webui.signin import session
from webui.signin.devices import device_name
from webui.signin.forms import PasswordForm
from webui.signin.pages import pages


class ProfileForm(Schema):
    name: Name
    locale: str = Field(max_length=10)


class KeyForm(Schema):
    name: Name
    days: int | None = Field(None, ge=1, le=3650)
    scopes: list[str] = Field(min_length=1)


def _person() -> Principal:
    return check_access(current_principal(), None)


@pages.get("/profile")
def profile(uow: UnitOfWork) -> str:
    return _page(uow, {})


@pages.post("/profile")
def save_profile(uow: UnitOfWork) -> Response | tuple[str, int]:
    form = read_form(ProfileForm)
    if form.value is None:
        return _page(uow, {"profile": form}), HTTPStatus.UNPROCESSABLE_ENTITY
    actions.change_profile(uow, _person().user_id, {"name": form.value.name, "locale": form.value.locale})
    use_locale(form.value.locale)
    flash(_("Saved."))
    return redirect(url_for("signin.profile"))


@pages.post("/profile/password", unit=False)
def change_password(call: Call) -> Response | tuple[str, int]:
    form, who = read_form(PasswordForm), call.who
    try:
        if form.value is not None:
            actions.change_password(
                call.box, user_id=who.user_id, tenant_id=who.tenant_id, keep_session=who.credential_id,
                current=form.value.current, new=form.value.new, device=session.device(),
            )  # fmt: skip
            flash(_("Your password is changed. Other devices are signed out."))
            return redirect(url_for("signin.profile"))
    except Refused as err:
        form = form.refused(err)
    except DomainError as err:
        form = Form(None, {"": str(err)}, {})
    with call.unit(read_only=True) as uow:
        return _page(uow, {"password": form}), HTTPStatus.UNPROCESSABLE_ENTITY


@pages.post("/profile/sessions/<uuid:session_id>/end")
def end_session(uow: UnitOfWork, session_id: UUID) -> Response:
    actions.revoke_session(uow, user_id=_person().user_id, session_id=session_id)
    flash(_("That device is signed out."))
    return redirect(url_for("signin.profile"))


@pages.post("/profile/sessions/end-others")
def end_other_sessions(uow: UnitOfWork) -> Response:
    who = _person()
    ended = actions.revoke_other_sessions(uow, user_id=who.user_id, keep=who.credential_id)
    flash(ngettext("One other device is signed out.", "%(num)s other devices are signed out.", ended))
    return redirect(url_for("signin.profile"))


@pages.post("/profile/keys", permission="api_keys:write")
def create_key(uow: UnitOfWork) -> str | tuple[str, int]:
    form, who = read_form(KeyForm), _person()
    if form.value is None:
        return _page(uow, {"key": form}), HTTPStatus.UNPROCESSABLE_ENTITY
    expires_at = uow.now + timedelta(days=form.value.days) if form.value.days else None
    granter = actions.Granter.of(who)
    new = actions.create_api_key(
        uow, user_id=who.user_id, name=form.value.name, scopes=form.value.scopes, granter=granter, expires_at=expires_at
    )
    uow.session.flush()
    return _page(uow, {}, new_key=new.secret)


@pages.post("/profile/keys/<uuid:api_key_id>/revoke", permission="api_keys:write")
def revoke_key(uow: UnitOfWork, api_key_id: UUID) -> Response:
    if api_key_id in {key.id for key in queries.list_api_keys(uow) if key.user_id == _person().user_id}:
        actions.revoke_api_key(uow, api_key_id)
        flash(_("The key no longer works."))
    return redirect(url_for("signin.profile"))


def _page(uow: UnitOfWork, forms: Mapping[str, Form[ProfileForm] | Form[PasswordForm] | Form[KeyForm]], new_key: str = "") -> str:
    who = _person()
    user = queries.get_user(uow, who.user_id)
    sessions = [
        {"id": each.id, "name": device_name(each.device), "ip": each.ip, "seen": each.last_seen_at, "here": each.id == who.credential_id}
        for each in queries.list_sessions(uow, who.user_id)
    ]
    keys = [key for key in queries.list_api_keys(uow) if key.user_id == who.user_id and key.revoked_at is None]
    empty: Form[ProfileForm] = Form(None, {}, {})
    return render_template(
        "signin/profile.html", user=user, sessions=sessions, keys=keys, new_key=new_key, scopes=sorted(who.permissions),
        profile=forms.get("profile", empty), password=forms.get("password", empty), key=forms.get("key", empty),
    )  # fmt: skip
