"""What messages cost: the organisation's own list, or the one that came with the box."""

from functools import lru_cache
from importlib.resources import files

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.channels.rules import prices
from appliance.domains.channels.tables import MessagePrice
from appliance.domains.channels.types import WHATSAPP_CLOUD, Charge, Cost, Price, TemplateCategory
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.queries import Conversation
from appliance.domains.identity import queries as identity


def list_own_prices(uow: UnitOfWork) -> list[Price]:
    found = uow.session.scalars(select(MessagePrice).order_by(MessagePrice.country, MessagePrice.charge, MessagePrice.valid_from))
    return [Price(row.country, row.charge, row.valid_from, row.currency, row.micros, row.source) for row in found.yield_per(1000)]


def list_prices(uow: UnitOfWork) -> list[Price]:
    """The organisation's own list, else the one that came with the box."""
    return list_own_prices(uow) or list(shipped_prices())


@lru_cache(maxsize=1)
def shipped_prices() -> tuple[Price, ...]:
    return tuple(prices.read_prices((files("appliance.domains.channels") / "rates.csv").read_text("utf-8")))


def cost_in(uow: UnitOfWork, conversation: Conversation, category: TemplateCategory | None) -> Cost | None:
    """Of one message in this conversation now. None: nobody charges."""
    charge = charge_in(uow, conversation, category)
    if charge is None:
        return None
    country, today = prices.country_of(conversation.address), uow.now.astimezone(identity.get_zone(uow)).date()
    return Cost(charge, country, prices.price_on(list_prices(uow), country, charge, today))


def charge_in(uow: UnitOfWork, conversation: Conversation, category: TemplateCategory | None) -> Charge | None:
    """What a template of this category, or (None) what is said freely, counts as here and now. None: nobody charges."""
    if conversation.channel_kind != WHATSAPP_CLOUD:
        return None
    return prices.charge_of(category, window_open=conversations.is_window_open(uow, conversation))
