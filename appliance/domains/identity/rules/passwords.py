"""NIST SP 800-63B, 5.1.1.2: length over composition, and nothing that guessers try first."""

import re
from collections.abc import Iterable

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.identity.errors import WeakPassword
from appliance.domains.identity.rules.breached import BREACHED

MIN_LENGTH = 12
MAX_LENGTH = 200
MIN_DIFFERENT = 5
MIN_LEFT_OVER = 5  # characters beside the person's own name or e-mail
_ROWS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnmqwertyuiop")


def check_password(password: str, *, about: Iterable[str] = (), field: str = "password") -> None:
    """`about` is what everybody knows of the person: e-mail, name, organisation. Raises WeakPassword."""
    if len(password) < MIN_LENGTH:
        raise WeakPassword(_("Use at least %(count)s characters. Four random words do well.", count=MIN_LENGTH), field)
    if len(password) > MAX_LENGTH:
        raise WeakPassword(_("Use at most %(count)s characters.", count=MAX_LENGTH), field)
    if is_breached(password) or is_monotonous(password):
        raise WeakPassword(_("This password is among the first that attackers try. Choose another."), field)
    if is_about(password, about):
        raise WeakPassword(_("Do not build the password from your name, e-mail or organisation."), field)


def is_breached(password: str) -> bool:
    """Listed as it is, or once a tail of digits and marks (`…2024!`) is taken off."""
    folded = password.casefold()
    return folded in BREACHED or re.sub(r"[\d\W_]+$", "", folded) in BREACHED


def is_monotonous(password: str) -> bool:
    folded = password.casefold()
    if len(set(folded)) < MIN_DIFFERENT:
        return True
    return any(folded in row or folded in row[::-1] for row in _ROWS)


def is_about(password: str, about: Iterable[str]) -> bool:
    left = password.casefold()
    for word in sorted(_words(about), key=len, reverse=True):
        left = left.replace(word, "")
    return len(re.sub(r"[\d\W_]", "", left)) < MIN_LEFT_OVER and left != password.casefold()


def _words(about: Iterable[str]) -> set[str]:
    return {word for text in about for word in re.split(r"\W+", text.casefold()) if len(word) > 2}  # noqa: PLR2004 - shorter words are in every password
