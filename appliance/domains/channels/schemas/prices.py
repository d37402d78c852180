"""What messages cost, and what was spent, as the API takes and gives it."""

from datetime import date
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.channels.types import Charge

MOST_DAYS = 366


class PricesIn(Schema):
    """Lines of country,charge,valid_from,currency,amount,source with a head of these names."""

    csv: str = Field(min_length=1, max_length=500_000)


class PriceOut(Schema):
    country: str
    charge: Charge
    valid_from: date
    currency: str
    micros: int | None
    source: str


class PricesOut(Schema):
    """`is_own`: the organisation's own list; else the one that came with the box."""

    is_own: bool
    prices: list[PriceOut]


class RateCardIn(Schema):
    """Meta's rate card as CSV, one line a market. What it does not name, and what held on earlier days, is kept."""

    csv: str = Field(min_length=1, max_length=500_000)
    valid_from: date
    source: str = Field("", max_length=200)


class RateCardOut(Schema):
    """`left_out`: markets of many countries."""

    prices: list[PriceOut]
    left_out: list[str]


class SpendingQuery(Schema):
    """Both days are part of it; without them the month so far."""

    since: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _check_days(self) -> Self:
        if self.since and self.until and not 0 <= (self.until - self.since).days < MOST_DAYS:
            raise ValueError(str(_("Choose up to %(most)s days, the first before the last.", most=MOST_DAYS)))
        return self


class CountedOut(Schema):
    """Messages of one kind on one day. `is_told`: the provider said so; else the box expects it."""

    day: date
    channel_id: UUID
    charge: Charge
    country: str
    is_billable: bool
    is_told: bool
    count: int


class SpentOut(Schema):
    """`amount` of `currency` for all of them; null where nobody told how much."""

    counted: CountedOut
    currency: str
    amount: float | None


class SumOut(Schema):
    """Of one kind of message in one currency. `told`: how many the provider spoke of; `unknown`: how many have no known price."""

    charge: Charge
    currency: str
    count: int
    free: int
    told: int
    unknown: int
    amount: float


class SpendingOut(Schema):
    since: date
    until: date
    sums: list[SumOut]
    lines: list[SpentOut]
