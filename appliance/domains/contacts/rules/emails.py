from email_validator import EmailNotValidError, validate_email


def normalise_email(raw: str) -> str | None:
    """Case-folded, the domain in its ASCII form (IDNA); None when it is no address."""
    try:
        found = validate_email(raw.strip(), check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{found.local_part.casefold()}@{found.ascii_domain.casefold()}"
