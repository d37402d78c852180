"""The page behind an invitation's link."""

from http import HTTPStatus

from flask import flash, redirect, render_template
from werkzeug import Response

from appliance import __version__
from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import gettext as _
from appliance.core.web import PUBLIC, Call, Form, Schema, read_form
from appliance.domains.identity import actions
from appliance.domains.identity.errors import InvitationOver, WrongCredentials
from webui.fields import Password
from webui.signin import session
from webui.signin.pages import pages


class JoinForm(Schema):
    email: str = ""  # shown, not asked: the invitation names it
    name: str = ""
    password: Password


@pages.get("/join/<token>", access=PUBLIC, unit=False)
def join(call: Call, token: str) -> str | tuple[str, int]:
    return _page(call, token, Form(None, {}, {}))


@pages.post("/join/<token>", access=PUBLIC, unit=False)
def accept(call: Call, token: str) -> Response | tuple[str, int] | str:
    form = read_form(JoinForm)
    if form.value is None:
        return _page(call, token, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        welcome = actions.read_invitation(call.box, token, session.device())
        if not (form.value.name or welcome.is_known):
            sentence = _("This is needed.")
            raise Refused(sentence, fields={"name": sentence})
        signed_in = actions.accept_invitation(
            call.box, token=token, name=form.value.name, password=form.value.password, device=session.device()
        )
    except DomainError as err:
        return _page(call, token, _with_reason(form, err), err.status)
    flash(_("Welcome to %(company)s.", company=welcome.tenant_name))
    return session.keep(redirect("/"), signed_in)


def _with_reason(form: Form[JoinForm], err: DomainError) -> Form[JoinForm]:
    return Form(None, {"password": str(err)}, form.raw) if isinstance(err, WrongCredentials) else form.refused(err)


def _page(call: Call, token: str, form: Form[JoinForm], status: int = HTTPStatus.OK) -> tuple[str, int] | str:
    try:
        welcome = actions.read_invitation(call.box, token, session.device())
    except InvitationOver:
        return _over()
    page = render_template("signin/join.html", welcome=welcome, token=token, errors=form.errors, raw=form.raw, version=__version__)
    return page, status


def _over() -> tuple[str, int]:
    return render_template("signin/join_over.html"), HTTPStatus.GONE
