from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

_AROUND = " \t\r\n\u00a0;,<>\"'"  # what stays when an address is copied out of a list


@lru_cache(maxsize=2048)  # a row of a file is looked at when it is read and when it is written
def normalise_email(raw: str) -> str | None:
    """Case-folded, the domain in its ASCII form (IDNA); None when it is no address."""
    try:
        found = validate_email(raw.strip(_AROUND), check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{found.local_part.casefold()}@{found.ascii_domain.casefold()}"
