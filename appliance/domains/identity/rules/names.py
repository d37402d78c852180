"""E-mails, short names and keys, in the one form they are compared in."""

import re
import unicodedata

from appliance.core import clock
from appliance.core.errors import Refused
from appliance.core.folding import fold
from appliance.core.i18n import lazy_gettext as _

MAX_SLUG = 40
# Permissive on purpose: a box in a private network knows addresses such as ana@loja.local.
EMAIL = r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$"
MAX_EMAIL = 254
_RESERVED = frozenset({"api", "admin", "box", "static", "health", "login", "setup", "www"})


def fold_email(email: str) -> str:
    """Unicode-normalised and case-folded, as the unique index compares it."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def check_email(email: str) -> str:
    """Folded. Raises Refused for what cannot be an address."""
    folded = fold_email(email)
    if len(folded) > MAX_EMAIL or not re.fullmatch(EMAIL, folded):
        sentence = _("This is not an e-mail address.")
        raise Refused(sentence, fields={"email": sentence})
    return folded


def slug_of(name: str) -> str:
    """`Solar & Cia.` → `solar-cia`; never empty."""
    slug = re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")[:MAX_SLUG].strip("-")
    return slug if slug and slug not in _RESERVED else f"org-{slug}".strip("-")[:MAX_SLUG].strip("-")


def check_timezone(timezone: str) -> str:
    if timezone not in clock.timezones():
        sentence = _("Choose a time zone such as America/Sao_Paulo.")
        raise Refused(sentence, fields={"timezone": sentence})
    return timezone
