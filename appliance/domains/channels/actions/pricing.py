from collections.abc import Sequence
from datetime import date

from sqlalchemy import delete, insert

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.rules import prices, rate_card
from appliance.domains.channels.rules.rate_card import Card
from appliance.domains.channels.tables import MessagePrice
from appliance.domains.channels.types import Price


def replace_prices(uow: UnitOfWork, csv: str) -> Sequence[Price]:
    """The organisation's whole list. Raises Refused with a sentence a wrong line; then nothing changes."""
    return _put(uow, prices.read_prices(csv))


def import_rate_card(uow: UnitOfWork, csv: str, valid_from: date, source: str) -> Card:
    """Beside what holds already: a price of an earlier day stays for what was sent then. Raises Refused, a sentence a wrong line."""
    card = rate_card.read_card(csv, valid_from, source)
    _put(uow, prices.merged(queries.list_prices(uow), card.prices))
    return card


def _put(uow: UnitOfWork, found: Sequence[Price]) -> Sequence[Price]:
    if len(found) > prices.MOST:
        raise Refused(_("No more than %(most)s lines are kept.", most=prices.MOST))
    forget_prices(uow)
    rows = [
        {
            "id": new_id(), "tenant_id": uow.tenant_id, "country": price.country, "charge": price.charge, "valid_from": price.valid_from,
            "currency": price.currency, "micros": price.micros, "source": price.source,
        }
        for price in found
    ]  # fmt: skip
    if rows:
        uow.session.execute(insert(MessagePrice), rows)
    return found


def forget_prices(uow: UnitOfWork) -> None:
    """The list that came with the box holds again."""
    uow.session.execute(delete(MessagePrice))
