"""The steps after the account: each can be skipped, and is found again in the menu."""

from http import HTTPStatus

from flask import flash, redirect, render_template, request, url_for
from pydantic import ValidationError
from werkzeug import Response

from appliance.core.errors import Refused
from appliance.core.i18n import gettext as _
from appliance.core.web import Call, Form
from appliance.domains.branding import actions, queries
from appliance.domains.branding.schemas import BrandValues
from appliance.domains.branding.types import Mark
from webui import branding
from webui.admin.pages import pages as admin
from webui.setup import machine
from webui.setup.pages import pages

MOST_READ = 2**20


@pages.get("/setup/brand", permission="brand:write", unit=False)
def brand(call: Call) -> str:
    return _brand_page(call, Form(None, {}, {}))


@pages.post("/setup/brand", permission="brand:write", unit=False)
def save_brand(call: Call) -> Response | tuple[str, int]:
    """Live at once: nobody else is here yet."""
    tenant_id, given = call.who.tenant_id, request.files.get("logo")
    content = given.stream.read(MOST_READ) if given else b""
    try:
        new = {Mark.LOGO: actions.clean_picture(content)} if content else {}
        with call.box.whole_box("brand", call.who.actor) as uow:
            colour = request.form.get("colour", "") if request.form.get("own_colour") else ""
            chosen = {"name": request.form.get("name", ""), "colour": colour}
            values = BrandValues.model_validate({**queries.get_brands(uow, tenant_id).live.model_dump(), **chosen})
            actions.save_draft(uow, tenant_id, values, new)
            actions.publish(uow, tenant_id)
    except (ValidationError, Refused) as err:
        form: Form[BrandValues] = Form(None, {}, {name: value for name, value in request.form.items() if name != "csrf_token"})
        refused = form.refused(Refused(err.message, fields={"logo": err.message}) if isinstance(err, Refused) else err)
        return _brand_page(call, refused), HTTPStatus.UNPROCESSABLE_ENTITY
    branding.forget_all()
    return redirect(url_for("setup.models"))


@pages.get("/setup/models", permission="health:read", unit=False)
def models(call: Call) -> str:
    return render_template("setup/models.html", tasks=machine.TASKS, modes=machine.MODES, machine=machine.picture_of(call.box))


@pages.get("/setup/safety", permission="health:read", unit=False)
def safety(call: Call) -> str:
    return render_template("setup/safety.html", modes=machine.MODES, machine=machine.picture_of(call.box))


@pages.post("/setup/finished", permission="health:read", unit=False)
def finished(call: Call) -> Response:
    del call
    flash(_("The box is yours. Start with your documents: the first answers come from them."))
    return redirect("/")


@admin.get("/admin/machine", permission="health:read", unit=False)
def machine_page(call: Call) -> str:
    return render_template("admin/machine.html", tasks=machine.TASKS, modes=machine.MODES, machine=machine.picture_of(call.box))


def _brand_page(call: Call, form: Form[BrandValues]) -> str:
    with call.box.whole_box("brand", read_only=True) as uow:
        live = queries.get_look(uow, call.who.tenant_id)
    raw = form.raw or {"name": live.name, "colour": live.colour or branding.OUR_COLOUR, "own_colour": "1" if live.colour else ""}
    return render_template("setup/brand.html", raw=raw, errors=form.errors)
