"""How phones without a country are read, and the words by which people leave."""

from http import HTTPStatus

from babel import Locale
from flask import flash, redirect, render_template, url_for
from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, field_validator
from werkzeug import Response

from appliance.core.errors import Refused
from appliance.core.i18n import current_locale
from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, Schema, parse, read_form
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import ContactSettingsIn
from webui.crm.pages import pages

CONFIGURE = "contacts:configure"
MOST_WORDS, LONGEST_WORD = 100, 60


class PreferencesForm(Schema):
    default_region: str = Field(max_length=2)
    opt_out_words: str = Field("", max_length=6200)

    @field_validator("opt_out_words")
    @classmethod
    def _fits(cls, written: str) -> str:
        words = _lines(written)
        if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
            raise ValueError(_("At most 100 lines of at most 60 characters."))
        return written

    def wanted(self) -> ContactSettingsIn:
        values = {"default_region": self.default_region, "opt_out_words": _lines(self.opt_out_words)}
        wanted: ContactSettingsIn = parse(ContactSettingsIn, values)
        return wanted


def _lines(written: str) -> list[str]:
    return [line.strip() for line in written.splitlines() if line.strip()]


@pages.get("/contacts/preferences", permission=CONFIGURE)
def preferences(uow: UnitOfWork) -> str:
    return _page(uow, Form(None, {}, {}))


@pages.post("/contacts/preferences", permission=CONFIGURE)
def save_preferences(uow: UnitOfWork) -> Response | tuple[str, int]:
    form = read_form(PreferencesForm)
    if form.value is None:
        return _page(uow, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        actions.change_settings(uow, form.value.wanted())
    except Refused as err:
        return _page(uow, form.refused(err)), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("Saved."))
    return redirect(url_for("crm.preferences"))


def _page(uow: UnitOfWork, form: Form[PreferencesForm]) -> str:
    kept = queries.get_settings(uow)
    raw = form.raw or {"default_region": kept.default_region, "opt_out_words": "\n".join(kept.opt_out_words)}
    names = Locale.parse(current_locale()).territories
    countries = sorted(((region, names.get(region, region)) for region in SUPPORTED_REGIONS), key=lambda one: one[1])
    return render_template("crm/preferences.html", raw=raw, errors=form.errors, countries=countries, known=queries.list_stop_words())
