"""What messages cost, and what was spent."""

from flask import Response

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api
from appliance.domains.channels import actions, queries
from appliance.domains.channels.api.templates import READ, WRITE
from appliance.domains.channels.queries import Spending
from appliance.domains.channels.rules.rate_card import Card
from appliance.domains.channels.schemas import PricesIn, PricesOut, RateCardIn, RateCardOut, SpendingOut, SpendingQuery

prices = Api("prices")


@prices.get("/templates/prices", permission=READ, returns=PricesOut)
def get_prices(uow: UnitOfWork) -> PricesOut:
    return _prices(uow)


@prices.put("/templates/prices", permission=WRITE, body=PricesIn, returns=PricesOut)
def replace_prices(uow: UnitOfWork, body: PricesIn) -> PricesOut:
    actions.replace_prices(uow, body.csv)
    return _prices(uow)


@prices.delete("/templates/prices", permission=WRITE, summary="Back to the prices that came with the box")
def forget_prices(uow: UnitOfWork) -> None:
    actions.forget_prices(uow)


def _prices(uow: UnitOfWork) -> PricesOut:
    own = queries.list_own_prices(uow)
    return PricesOut.model_validate({"is_own": bool(own), "prices": own or queries.shipped_prices()}, from_attributes=True)


@prices.post(
    "/templates/prices/rate-card", permission=WRITE, body=RateCardIn, returns=RateCardOut,
    summary="Prices from Meta's rate card, from a day on",
)  # fmt: skip
def import_rate_card(uow: UnitOfWork, body: RateCardIn) -> Card:
    return actions.import_rate_card(uow, body.csv, body.valid_from, body.source)


@prices.get("/templates/spending", permission=WRITE, query=SpendingQuery, returns=SpendingOut, summary="What was sent, and what it cost")
def get_spending(uow: UnitOfWork, query: SpendingQuery) -> Spending:
    """By day, channel, kind of message and country; `is_told` says whether Meta told it or the box expects it."""
    return queries.get_spending(uow, *queries.days_of(uow, query))


@prices.get("/templates/spending.csv", permission=WRITE, query=SpendingQuery, summary="The same as a file")
def export_spending(uow: UnitOfWork, query: SpendingQuery) -> Response:
    since, until = queries.days_of(uow, query)
    text = queries.spending_csv(queries.get_spending(uow, since, until))
    named = f'attachment; filename="spending-{since}-{until}.csv"'
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": named})
