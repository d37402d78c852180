"""What a message costs, in a sentence."""

from babel import dates, numbers

from appliance.core.i18n import current_locale, gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.types import Charge, Cost, Price

CHARGES = {
    Charge.MARKETING: _("Marketing template"),
    Charge.UTILITY: _("Utility template"),
    Charge.UTILITY_IN_WINDOW: _("Utility template, window open"),
    Charge.AUTHENTICATION: _("Authentication template"),
    Charge.SERVICE: _("Reply while the window is open"),
}


def money(price: Price) -> str:
    """`US$ 0,0625`; a word where it is nothing or nobody knows."""
    if price.micros is None:
        return gettext("charged, amount not known")
    if price.micros == 0:
        return gettext("free")
    return amount(price.micros, price.currency)


def amount(micros: int, currency: str) -> str:
    said = micros / 1_000_000
    is_whole = round(said, numbers.get_currency_precision(currency)) == said  # in cents, not parts of one
    return str(numbers.format_currency(said, currency, locale=current_locale(), decimal_quantization=is_whole))


def told(cost: Cost | None) -> str:
    """Empty where the channel charges nothing."""
    if cost is None:
        return ""
    if cost.price is None:
        return gettext("price for %(country)s not known", country=cost.country or "?")
    return money(cost.price)


def source_of(cost: Cost | None) -> str:
    """Where the figure is from: a price is only as good as its date."""
    if cost is None or cost.price is None:
        return ""
    since = dates.format_date(cost.price.valid_from, "short", locale=current_locale())
    return gettext("%(charge)s, %(country)s, since %(day)s. %(source)s", charge=CHARGES[cost.charge], country=cost.country, day=since,
                   source=cost.price.source)  # fmt: skip
