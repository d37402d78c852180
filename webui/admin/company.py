"""The company: what it is called, how it looks, which language and clock it keeps."""

from http import HTTPStatus
from typing import Any

from flask import flash, redirect, render_template, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext, normalise
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Form, Schema, read_form
from appliance.domains.identity import actions, queries
from appliance.domains.identity.types import Listening
from appliance.inference.types import Inference
from webui import branding
from webui.admin.pages import pages
from webui.fields import Name
from webui.timezones import timezone_groups

LISTENING = {
    Listening.OWN: lazy_gettext("Written down, as speech in the language above"),
    Listening.ANY: lazy_gettext("Written down, in whichever language is spoken"),
    Listening.OFF: lazy_gettext("Not written down"),
}


class CompanyForm(Schema):
    name: Name
    locale: str = Field(max_length=10)
    timezone: str = Field(max_length=60)
    voice_notes: Listening = Listening.OWN

    def changes(self) -> dict[str, Any]:
        """By column of the tenant, as `change_tenant` takes them."""
        chosen = {"voice_notes": self.voice_notes.value}
        return {"name": self.name, "locale": normalise(self.locale), "timezone": self.timezone, "settings": chosen}


@pages.get("/admin/company", permission="tenant:write")
def company(uow: UnitOfWork) -> str:
    return _page(uow, Form(None, {}, {}))


@pages.get("/admin/company/hearing", permission="tenant:write", unit=False)
def hearing(call: Call) -> str:
    """Nothing where speech is written down, or where nobody can tell."""
    ready = call.box.part(Inference).ready()
    return render_template("admin/_no_hearing.html") if ready.ready and not ready.can_hear else ""


@pages.post("/admin/company", permission="tenant:write")
def save_company(uow: UnitOfWork) -> Response | tuple[str, int]:
    form = read_form(CompanyForm)
    if form.value is None:
        return _page(uow, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        actions.change_tenant(uow, uow.tenant_id, form.value.changes())
    except Refused as err:
        return _page(uow, form.refused(err)), HTTPStatus.UNPROCESSABLE_ENTITY
    except DomainError as err:
        return _page(uow, Form(None, {"": str(err)}, form.raw)), err.status
    branding.forget_all()
    flash(_("Saved."))
    return redirect(url_for("admin.company"))


def _page(uow: UnitOfWork, form: Form[CompanyForm]) -> str:
    tenant = queries.get_tenant(uow)
    shown = {
        "name": tenant.name, "locale": tenant.locale, "timezone": tenant.timezone,
        "voice_notes": tenant.settings.get("voice_notes") or Listening.OWN,
    }  # fmt: skip
    raw = {**shown, **form.raw}
    return render_template(
        "admin/company.html", raw=raw, errors=form.errors, timezones=timezone_groups(raw["timezone"]), listening=LISTENING.items(),
    )  # fmt: skip
