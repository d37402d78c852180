"""What messages cost: the list that holds, and an organisation's own in its place."""

import csv
import io
from collections.abc import Iterable
from http import HTTPStatus

from babel import dates
from flask import flash, redirect, render_template, url_for
from werkzeug import Response

from appliance.core.errors import Refused
from appliance.core.i18n import current_locale, gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, read_form
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import PricesIn, RateCardIn
from appliance.domains.channels.types import Price
from webui.costs import CHARGES, money
from webui.studio.pages import pages
from webui.studio.templates import READ, WRITE


@pages.get("/templates/prices", permission=READ)
def prices(uow: UnitOfWork) -> str:
    return _page(uow, Form(None, {}, {}))


@pages.post("/templates/prices", permission=WRITE)
def replace_prices(uow: UnitOfWork) -> Response | tuple[str, int]:
    form = read_form(PricesIn)
    if form.value is None:
        return _page(uow, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        kept = actions.replace_prices(uow, form.value.csv)
    except Refused as err:
        return _page(uow, Form(None, {"csv": str(err)}, form.raw)), err.status
    flash(gettext("%(count)s prices hold from now on.", count=len(kept)))
    return redirect(url_for("studio.prices"))


@pages.post("/templates/prices/rate-card", permission=WRITE)
def import_card(uow: UnitOfWork) -> Response | tuple[str, int]:
    form = read_form(RateCardIn)
    if form.value is None:
        return _page(uow, Form(None, {}, {}), form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        taken = actions.import_rate_card(uow, form.value.csv, form.value.valid_from, form.value.source)
    except Refused as err:
        return _page(uow, Form(None, {}, {}), Form(None, {"csv": str(err)}, form.raw)), err.status
    flash(gettext("%(count)s prices were taken in.", count=len(taken.prices)))
    if taken.left_out:
        names = ", ".join(taken.left_out)
        flash(gettext("Left out, since they stand for many countries: %(names)s. Add the countries that you need by hand.", names=names))
    return redirect(url_for("studio.prices"))


@pages.post("/templates/prices/delete", permission=WRITE)
def forget_prices(uow: UnitOfWork) -> Response:
    actions.forget_prices(uow)
    flash(gettext("The list that came with the box holds again."))
    return redirect(url_for("studio.prices"))


def _page(uow: UnitOfWork, form: Form[PricesIn], card: Form[RateCardIn] | None = None) -> str:
    own = queries.list_own_prices(uow)
    found = own or list(queries.shipped_prices())
    days = [dates.format_date(price.valid_from, "medium", locale=current_locale()) for price in found]
    return render_template(
        "studio/prices.html", is_own=bool(own), prices=found, days=days, charges=CHARGES, money=money, form=form,
        card=card or Form(None, {}, {}),
        csv=form.raw.get("csv") or _as_csv(found),
    )  # fmt: skip


def _as_csv(found: Iterable[Price]) -> str:
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(queries.PRICE_COLUMNS)
    for price in found:
        amount = "" if price.micros is None else f"{price.micros / 1_000_000:.6f}".rstrip("0").rstrip(".")
        lines.writerow((price.country, price.charge.value, price.valid_from.isoformat(), price.currency, amount, price.source))
    return written.getvalue()
