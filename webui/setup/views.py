"""The first minutes of a box: from the code on its console to a signed-in owner."""

from http import HTTPStatus

from flask import redirect, render_template, request, url_for
from werkzeug import Response

from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import normalise, use_locale
from appliance.core.web import PUBLIC, Call, Form, read_form
from appliance.domains.identity import actions, queries
from appliance.domains.identity.types import Setup
from webui import formats
from webui.setup import steps
from webui.setup.forms import SetupForm
from webui.setup.pages import pages
from webui.signin import session
from webui.timezones import timezone_groups

__all__ = ["pages", "steps"]


@pages.get("/setup", access=PUBLIC, unit=False)
def setup(call: Call) -> str:
    if _is_set_up(call):
        return render_template("setup/done.html")
    code = request.args.get("code", "")
    return _page(Form(None, {}, {"code": code} if code else {}))


@pages.post("/setup", access=PUBLIC, unit=False)
def finish(call: Call) -> Response | tuple[str, int]:
    form = read_form(SetupForm)
    if form.value is None:
        return _page(form), HTTPStatus.UNPROCESSABLE_ENTITY
    use_locale(form.value.locale)
    try:
        signed_in = actions.complete_setup(call.box, code=form.value.code, setup=_wanted(form.value), device=session.device())
    except Refused as err:
        return _page(form.refused(err)), HTTPStatus.UNPROCESSABLE_ENTITY
    except DomainError as err:
        return _page(Form(None, {"": str(err)}, form.raw)), err.status
    return session.keep(redirect(url_for("setup.brand")), signed_in)


def _wanted(form: SetupForm) -> Setup:
    return Setup(
        email=form.email, password=form.password, person=form.person, tenant=form.tenant, locale=normalise(form.locale),
        timezone=form.timezone,
    )  # fmt: skip


def _is_set_up(call: Call) -> bool:
    with call.box.whole_box("is this box set up", read_only=True) as uow:
        return queries.is_set_up(uow)


def _page(form: Form[SetupForm]) -> str:
    zone = form.raw.get("timezone") or formats.DEFAULT_TIMEZONE
    return render_template(
        "setup/setup.html", errors=form.errors, raw=form.raw, timezones=timezone_groups(zone), chosen_timezone=zone
    )
