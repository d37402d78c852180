"""The first minutes of a box: from the code on its console to a signed-in owner."""

from http import HTTPStatus

from flask import flash, redirect, render_template, request
from werkzeug import Response

from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import gettext as _
from appliance.core.i18n import normalise, use_locale
from appliance.core.uow import Actor
from appliance.core.web import PUBLIC, Call, Form, Pages, read_form
from appliance.domains.identity import actions, queries
from appliance.domains.identity.types import Setup, SignedIn
from webui import branding, formats, theme
from webui.setup.forms import SetupForm
from webui.signin import session
from webui.timezones import timezone_groups

pages = Pages("setup", __name__)


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
    _name_brand(call, signed_in, form.value)
    flash(_("The box is yours. Start with your documents: the first answers come from them."))
    return session.keep(redirect("/"), signed_in)


def _wanted(form: SetupForm) -> Setup:
    return Setup(
        email=form.email, password=form.password, person=form.person, tenant=form.tenant, locale=normalise(form.locale),
        timezone=form.timezone, brand_colour=_own_colour(form.brand_colour),
    )  # fmt: skip


def _own_colour(given: str) -> str:
    """The colour picker always sends one; ours means that none was chosen."""
    colour = theme.parse_colour(given) or ""
    return "" if colour == branding.OUR_COLOUR else colour


def _name_brand(call: Call, signed_in: SignedIn, form: SetupForm) -> None:
    """The company's own name is the brand unless another was given."""
    if not form.brand_name or signed_in.tenant_id is None:
        return
    with call.box.unit(signed_in.tenant_id, Actor("user", signed_in.user_id, form.person)) as uow:
        actions.change_tenant(uow, signed_in.tenant_id, {"settings": {"brand_name": form.brand_name}})


def _is_set_up(call: Call) -> bool:
    with call.box.whole_box("is this box set up", read_only=True) as uow:
        return queries.is_set_up(uow)


def _page(form: Form[SetupForm]) -> str:
    zone = form.raw.get("timezone") or formats.DEFAULT_TIMEZONE
    return render_template(
        "setup/setup.html", errors=form.errors, raw=form.raw, timezones=timezone_groups(zone), chosen_timezone=zone
    )
