"""In and out, and from one organisation to another."""

from http import HTTPStatus
from math import ceil
from uuid import UUID

from flask import flash, redirect, render_template, request
from werkzeug import Response

from appliance import __version__
from appliance.core.errors import TooMany
from appliance.core.i18n import gettext as _
from appliance.core.i18n import ngettext
from appliance.core.web import PUBLIC, Call, Form, read_form
from appliance.domains.identity import actions, queries
from appliance.domains.identity.errors import WrongCredentials
from webui import branding
from webui.addresses import local_url
from webui.signin import session
from webui.signin.forms import SignInForm
from webui.signin.pages import pages


@pages.get("/login", access=PUBLIC, unit=False)
def login(call: Call) -> Response | str:
    if call.principal is not None:
        return redirect(local_url(request.args.get("next", "/")))
    with call.box.whole_box("is this box set up", read_only=True) as uow:
        is_set_up = queries.is_set_up(uow)
    if not is_set_up:
        return redirect("/setup")
    return _login_page(Form(None, {}, {}), request.args.get("next", "/"))


@pages.post("/login", access=PUBLIC, unit=False)
def sign_in(call: Call) -> Response | tuple[str, int]:
    form = read_form(SignInForm)
    wanted = local_url(request.form.get("next", "/"))
    if form.value is None:
        return _login_page(form, wanted), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        signed_in = actions.sign_in(call.box, email=form.value.email, password=form.value.password, device=session.device())
    except WrongCredentials as err:
        return _login_page(Form(None, {"": "", "password": str(err)}, form.raw), wanted), HTTPStatus.UNAUTHORIZED
    except TooMany as err:
        return _login_page(Form(None, {"": _wait(err)}, form.raw), wanted), HTTPStatus.TOO_MANY_REQUESTS
    return session.keep(redirect(wanted), signed_in)


@pages.post("/logout", unit=False)
def logout(call: Call) -> Response:
    person = call.who
    with call.unit() as uow:
        actions.revoke_session(uow, user_id=person.user_id, session_id=person.credential_id, because="signed out")
    flash(_("You are signed out."))
    return session.forget(redirect("/login"))


@pages.post("/tenant", unit=False)
def switch_tenant(call: Call) -> Response:
    wanted = request.form.get("tenant_id", "")
    chosen = next((key for key, _name in call.who.tenants if str(key) == wanted), UUID(int=0))
    actions.switch_tenant(call.box, user_id=call.who.user_id, session_id=call.who.credential_id, tenant_id=chosen)
    return redirect("/")


def _login_page(form: Form[SignInForm], wanted: str) -> str:
    return render_template(
        "signin/login.html", errors=form.errors, raw=form.raw, next=wanted, version=__version__, company=branding.only_company()
    )


def _wait(err: TooMany) -> str:
    minutes = ceil(err.retry_after / 60)
    return ngettext("Too many attempts. Try again in a minute.", "Too many attempts. Try again in %(num)s minutes.", minutes)
