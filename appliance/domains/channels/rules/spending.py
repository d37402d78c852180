"""What was sent, priced by the day: nothing here knows a price, and what nobody told stays unknown."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from appliance.domains.channels.rules.prices import MICROS, price_on
from appliance.domains.channels.types import Charge, Price


@dataclass(frozen=True)
class Counted:
    """Messages of one kind on one day. `is_told`: the provider said what they are and whether it charges; else the box expects it."""

    day: date
    channel_id: UUID
    charge: Charge
    country: str
    is_billable: bool
    is_told: bool
    count: int


@dataclass(frozen=True)
class Spent:
    """`micros` of the currency for all of them; None: charged, and nobody told how much, or no line of the list fits."""

    counted: Counted
    currency: str
    micros: int | None

    @property
    def amount(self) -> float | None:
        return None if self.micros is None else self.micros / MICROS


@dataclass(frozen=True)
class Sum:
    """Of one kind of message in one currency. `unknown`: messages among `count` whose price nobody told."""

    charge: Charge
    currency: str
    count: int
    free: int
    told: int
    unknown: int
    micros: int

    @property
    def amount(self) -> float:
        return self.micros / MICROS


def priced(counted: Iterable[Counted], prices: Sequence[Price]) -> list[Spent]:
    return [_priced(one, prices) for one in counted]


def _priced(one: Counted, prices: Sequence[Price]) -> Spent:
    price = price_on(prices, one.country, one.charge, one.day)
    currency = price.currency if price else ""
    if not one.is_billable:
        return Spent(one, currency, 0)
    known = None if price is None or price.micros is None else price.micros * one.count
    return Spent(one, currency, known)


def sums_of(spent: Iterable[Spent]) -> list[Sum]:
    """By kind of message, each currency apart, in the order of the kinds."""
    groups: dict[tuple[Charge, str], list[Spent]] = defaultdict(list)
    for one in spent:
        groups[one.counted.charge, one.currency].append(one)
    return [_sum(charge, currency, groups[charge, currency]) for charge, currency in sorted(groups, key=_order)]


def _order(key: tuple[Charge, str]) -> tuple[int, str]:
    return list(Charge).index(key[0]), key[1]


def _sum(charge: Charge, currency: str, group: Sequence[Spent]) -> Sum:
    def count(chosen: Iterable[Spent]) -> int:
        return sum(one.counted.count for one in chosen)

    return Sum(
        charge, currency, count(group), free=count(one for one in group if one.micros == 0),
        told=count(one for one in group if one.counted.is_told), unknown=count(one for one in group if one.micros is None),
        micros=sum(one.micros or 0 for one in group),
    )  # fmt: skip


def totals_of(spent: Iterable[Spent]) -> dict[str, int]:
    """Micros by currency, of what has a known price."""
    found: dict[str, int] = defaultdict(int)
    for one in spent:
        if one.currency and one.micros is not None:
            found[one.currency] += one.micros
    return dict(found)
