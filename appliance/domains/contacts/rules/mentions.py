"""Whether a body that could not be used speaks of somebody. Rather one dropped too many: it is kept for its sender's mistakes only."""

import re
from collections.abc import Iterable

from appliance.domains.contacts.types import Identity, IdentityKind

_NUMBERS = frozenset({IdentityKind.PHONE, IdentityKind.WHATSAPP, IdentityKind.WHATSAPP_LID})
_WORDS = frozenset({IdentityKind.EMAIL, IdentityKind.WHATSAPP_USER})
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s().-]+(?=\d)")
_BRAZILIAN = re.compile(r"55(?=\d{10,11}$)")  # people leave it out when they write to each other


def mentions(body: str, identities: Iterable[Identity]) -> bool:
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), body).casefold()
    digits = _BETWEEN_DIGITS.sub("", text)
    return any(
        _BRAZILIAN.sub("", identity.value.removeprefix("+")) in digits if identity.kind in _NUMBERS else _is_said(identity.value, text)
        for identity in identities
        if identity.kind in _NUMBERS | _WORDS
    )


def _is_said(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w.+-]){re.escape(name.casefold())}(?![\w-])", text) is not None
