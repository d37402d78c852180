"""Meta's own rate card (CSV, one line a market) as lines of our list of prices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from babel import Locale

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.rules.prices import COUNTRY, CURRENCY, MOST_TOLD, lines_of, micros_of, wrong
from appliance.domains.channels.types import Charge, Price

COLUMNS = {
    "marketing": Charge.MARKETING,
    "utility": Charge.UTILITY,
    "authentication": Charge.AUTHENTICATION,
    "service": Charge.SERVICE,
}
NONE = {"", "n/a", "-"}
_SIGNS = {"$US": "USD", "US$": "USD", "$": "USD", "R$": "BRL", "€": "EUR", "£": "GBP", "₹": "INR"}
_AREAS = {"north america": ("US", "CA")}  # the only market of several countries that Meta's card names without “rest of”


@dataclass(frozen=True)
class Card:
    """`left_out`: markets of many countries, which no line of ours stands for."""

    prices: tuple[Price, ...]
    left_out: tuple[str, ...]


def read_card(text: str, valid_from: date, source: str) -> Card:
    """Raises Refused with one sentence for each line that is wrong; then nothing of it is taken."""
    rows = [row for _number, row in lines_of(text, ";" if text.count(";") > text.count(",") else ",")]
    head = next((at for at, row in enumerate(rows) if row and _plain(row[0]) == "market"), None)
    if head is None:
        raise wrong(1, _("No line begins with Market: this is not Meta's rate card as CSV."))
    places = {COLUMNS[_plain(name)]: at for at, name in enumerate(rows[head]) if _plain(name) in COLUMNS}
    at_currency = next((at for at, name in enumerate(rows[head]) if _plain(name) == "currency"), None)
    if not places or at_currency is None:
        raise wrong(head + 1, _("The columns Currency and Marketing, Utility, Authentication or Service are missing."))
    found, left_out, problems = [], [], []
    for number, row in enumerate(rows[head + 1 :], head + 2):
        if not row or not row[0].strip():
            continue
        try:
            prices = list(_prices(number, row, places, at_currency, replace(_BLANK, valid_from=valid_from, source=source[:200])))
        except Refused as err:
            problems.append(str(err))
            continue
        found += prices
        left_out += [] if countries_of(row[0]) else [row[0].strip()]
    if problems or not found:
        said = " ".join(problems[:MOST_TOLD]) or _("There is no price in it.")
        raise Refused(said, fields={"csv": said})
    return Card(tuple(found), tuple(left_out))


_BLANK = Price("", Charge.SERVICE, date.min, "", None)


def _prices(number: int, row: Sequence[str], places: dict[Charge, int], at_currency: int, like: Price) -> Iterator[Price]:
    countries = countries_of(row[0])
    if countries is None:
        raise wrong(number, _("“%(market)s” is no country that this box knows by this name.", market=row[0].strip()[:60]))
    if len(row) <= max(*places.values(), at_currency):
        raise wrong(number, _("There have to be %(count)s columns.", count=max(*places.values(), at_currency) + 1))
    said = row[at_currency].strip()
    currency = _SIGNS.get(said, said)
    if not CURRENCY.fullmatch(currency):
        raise wrong(number, _("The currency is three capital letters, such as USD."))
    for charge, at in places.items():
        if row[at].strip().lower() not in NONE:
            micros = micros_of(number, row[at].strip())
            yield from (replace(like, country=country, charge=charge, currency=currency, micros=micros) for country in countries)


def countries_of(market: str) -> tuple[str, ...] | None:
    """Empty for a market of many countries; None for a name that nobody knows."""
    name = _plain(market)
    if name.startswith("rest of") or name == "other":
        return ()
    if COUNTRY.fullmatch(market.strip()):
        return (market.strip(),)
    code = _by_name().get(name)
    return _AREAS.get(name) or ((code,) if code else None)


@lru_cache(maxsize=1)
def _by_name() -> dict[str, str]:
    """English names, which Meta uses."""
    territories = Locale("en").territories
    return {_plain(name): code for code, name in territories.items() if COUNTRY.fullmatch(code)} | {"turkey": "TR"}


def _plain(text: str) -> str:
    return " ".join(text.replace("-\n", "-").split()).casefold()
