import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

_AROUND = " \t\r\n\u00a0;,<>\"'"  # what stays when an address is copied out of a list
_PLAIN = re.compile(r"(?P<local>[a-z0-9]+(?:[._+-][a-z0-9]+)*)@(?P<domain>[a-z0-9.-]+)")  # a local part that RFC 5321 takes as it is
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_LONGEST = 254


@lru_cache(maxsize=2048)  # a row of a file is looked at when it is read and when it is written
def normalise_email(raw: str) -> str | None:
    """Case-folded, the domain in its ASCII form (IDNA); None when it is no address."""
    bare = raw.strip(_AROUND)
    plain = _PLAIN.fullmatch(bare.lower()) if bare.isascii() and len(bare) <= _LONGEST else None
    if plain and len(plain["local"]) <= _LONGEST_LOCAL:
        domain = _domain(plain["domain"])
        return domain and f"{plain['local']}@{domain}"
    return validated(bare)


@lru_cache(maxsize=2048)  # of the people in a large file many are at the same few
def _domain(name: str) -> str | None:
    address = validated(f"a@{name}")
    return address and address.partition("@")[2]


def validated(bare: str) -> str | None:
    try:
        found = validate_email(bare, check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{found.local_part.casefold()}@{found.ascii_domain.casefold()}"
