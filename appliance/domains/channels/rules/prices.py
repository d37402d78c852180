"""What a message costs, from dated lines: nothing here knows a price."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

import phonenumbers

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.types import Charge, Price, TemplateCategory

COLUMNS = ("country", "charge", "valid_from", "currency", "amount", "source")
MOST = 5000  # lines: all countries, all charges, some years
MICROS = 1_000_000
MOST_TOLD = 20  # sentences about lines
COUNTRY, CURRENCY = re.compile(r"[A-Z]{2}"), re.compile(r"[A-Z]{3}")


def charge_of(category: TemplateCategory | None, *, window_open: bool) -> Charge:
    """None: no template, what is said freely."""
    if category is None:
        return Charge.SERVICE
    if category is TemplateCategory.UTILITY and window_open:
        return Charge.UTILITY_IN_WINDOW
    return Charge(category.value)


def price_on(prices: Iterable[Price], country: str, charge: Charge, day: date) -> Price | None:
    """The newest line that holds on that day."""
    fitting = [price for price in prices if (price.country, price.charge) == (country, charge) and price.valid_from <= day]
    return max(fitting, key=lambda price: price.valid_from, default=None)


def country_of(number: str) -> str:
    """Of a WhatsApp number in digits, by its calling code, as Meta charges; empty where there is none."""
    try:
        parsed = phonenumbers.parse(f"+{number.lstrip('+')}")
    except phonenumbers.NumberParseException:
        return ""
    found = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return found if found and COUNTRY.fullmatch(found) else ""


def read_prices(text: str) -> list[Price]:
    """Raises Refused with a sentence for each line that is wrong."""
    read = lines_of(text, ";" if ";" in text.split("\n", 1)[0] else ",")
    rows = [(number, row) for number, row in read if row and not row[0].startswith("#")]
    if not rows or tuple(name.strip().lower() for name in rows[0][1]) != COLUMNS:
        raise wrong(1, _("The first line names the columns: %(names)s.", names=",".join(COLUMNS)))
    if len(rows) - 1 > MOST:
        raise wrong(MOST, _("No more than %(most)s lines are kept.", most=MOST))
    found, problems = [], []
    for number, row in rows[1:]:
        try:
            found.append(_price(number, row))
        except Refused as err:
            problems.append(str(err))
    if problems:
        said = " ".join(problems[:MOST_TOLD])
        raise Refused(said, fields={"csv": said})
    _check_once(rows[1:], found)
    return found


def lines_of(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """With their numbers, however they end. Raises Refused."""
    lines = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=None), delimiter=delimiter)
    try:
        return [(lines.line_num, row) for row in lines]
    except csv.Error as err:
        raise wrong(lines.line_num, _("This file is not a table in CSV.")) from err


def _price(number: int, row: Sequence[str]) -> Price:
    if len(row) != len(COLUMNS):
        raise wrong(number, _("There have to be %(count)s columns.", count=len(COLUMNS)))
    country, charge, valid_from, currency, amount, source = (cell.strip() for cell in row)
    if not COUNTRY.fullmatch(country):
        raise wrong(number, _("The country is two capital letters, such as BR."))
    if charge not in set(Charge):
        raise wrong(number, _("The charge is one of %(names)s.", names=", ".join(Charge)))
    if not CURRENCY.fullmatch(currency):
        raise wrong(number, _("The currency is three capital letters, such as USD."))
    return Price(country, Charge(charge), _day(number, valid_from), currency, micros_of(number, amount), source[:200])


def _day(number: int, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise wrong(number, _("The day is written 2026-01-31.")) from err


def micros_of(number: int, text: str) -> int | None:
    """Empty: it costs something, and nobody said how much."""
    if not text:
        return None
    try:
        amount = Decimal(text.replace(",", "."))
    except InvalidOperation as err:
        raise wrong(number, _("The amount is a number such as 0.0625, or empty where it is not known.")) from err
    if not amount.is_finite() or not 0 <= amount < 1000:  # noqa: PLR2004 - no message costs that
        raise wrong(number, _("The amount is a number such as 0.0625, or empty where it is not known."))
    return int(amount * MICROS)


def _check_once(rows: Sequence[tuple[int, Sequence[str]]], prices: Sequence[Price]) -> None:
    seen = set()
    for (number, _row), price in zip(rows, prices, strict=True):
        key = (price.country, price.charge, price.valid_from)
        if key in seen:
            raise wrong(number, _("This country, charge and day stand here twice."))
        seen.add(key)


def wrong(number: int, said: object) -> Refused:
    sentence = _("Line %(number)s: %(said)s", number=number, said=said)
    return Refused(sentence, fields={"csv": sentence})


def merged(kept: Iterable[Price], given: Iterable[Price]) -> list[Price]:
    """All that was kept, but for lines of the same country, charge and day, which are as they are given now."""
    lines = {(price.country, price.charge, price.valid_from): price for price in (*kept, *given)}
    return [lines[key] for key in sorted(lines)]
