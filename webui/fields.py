"""Field types that the forms of several screens share."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from appliance.core.i18n import gettext as _

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def _check_email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError(_("Enter an e-mail such as ana@company.com."))
    return text


def _check_name(text: str) -> str:
    if not text:
        raise ValueError(_("This is needed."))
    return text


Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_check_email)]
Name = Annotated[str, StringConstraints(max_length=120), AfterValidator(_check_name)]
Password = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=4096)]
