"""Phone numbers as people write them and as networks know them."""

import re
from functools import lru_cache

import phonenumbers

_BRAZILIAN_MOBILE = re.compile(r"\+55(?P<area>[1-9]\d)9(?P<line>[6-9]\d{7})")
_BRAZILIAN_MOBILE_TYPED = re.compile(r"\(?([1-9][0-9])\)? ?(9[0-9]{4})[- ]?([0-9]{4})")
_BRAZILIAN_EIGHT_DIGITS = re.compile(r"\+55(?P<area>[1-9]\d)(?P<line>[6-9]\d{7})")


@lru_cache(maxsize=2048)  # as an address of e-mail
def normalise_phone(raw: str, default_region: str) -> str | None:
    """E.164, or None when no network could have such a number.

    Brazilian mobile numbers of eight digits stay as they are: accounts older than the ninth digit are known by them.
    """
    return (_mobile(raw) if default_region == "BR" else None) or parsed(raw, default_region)


def _mobile(raw: str) -> str | None:
    """The number as nearly everybody in Brazil types it, without the cost of a parse."""
    typed = _BRAZILIAN_MOBILE_TYPED.fullmatch(raw)
    digits = "".join(typed.groups()) if typed else ""
    is_one = digits and phonenumbers.is_valid_number(phonenumbers.PhoneNumber(country_code=55, national_number=int(digits)))
    return f"+55{digits}" if is_one else None


def parsed(raw: str, default_region: str) -> str | None:
    try:
        number = phonenumbers.parse(raw, default_region)
    except phonenumbers.NumberParseException:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    known = phonenumbers.is_valid_number(number) or _BRAZILIAN_EIGHT_DIGITS.fullmatch(written)
    return written if known else None


def phone_forms(e164: str) -> tuple[str, ...]:
    """The number itself, then its other Brazilian form: with or without the ninth digit (Anatel resolution 553/2010)."""
    if long := _BRAZILIAN_MOBILE.fullmatch(e164):
        return e164, f"+55{long['area']}{long['line']}"
    if short := _BRAZILIAN_EIGHT_DIGITS.fullmatch(e164):
        return e164, f"+55{short['area']}9{short['line']}"
    return (e164,)
