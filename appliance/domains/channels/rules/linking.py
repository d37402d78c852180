"""What a link's end means: try again and when, or stop and say why."""

from collections.abc import Mapping
from datetime import timedelta

from babel.support import LazyProxy

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.rules.reasons import DisconnectReason
from appliance.domains.channels.types import Ending

QR_DEADLINE = timedelta(seconds=180)
PAIRING_DEADLINE = timedelta(seconds=180)  # WhatsApp lets a code stand so long
ALIVE_EVERY = timedelta(seconds=60)
LONGEST_SILENCE = timedelta(seconds=200)  # of whoever watches over an open link
MAX_DEAF = 3  # children in a row that never became ready
LONG_GONE = 8  # tries in a row without once being open: about nine minutes, then people are told
LEAVE_FOR = timedelta(hours=24)  # so long the phone is told that we are gone, and the keys are kept for it
FIRST_LEAVE_S, LONGEST_LEAVE_S = 30.0, 3600.0
AT_ONCE = frozenset({DisconnectReason.RESTART_REQUIRED})
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 900.0
_FINAL: Mapping[int, Ending] = {
    DisconnectReason.LOGGED_OUT: Ending.LOGGED_OUT,
    DisconnectReason.FORBIDDEN: Ending.BANNED,
    DisconnectReason.OUTDATED: Ending.OUTDATED,
    DisconnectReason.MULTIDEVICE_MISMATCH: Ending.LOGGED_OUT,
    DisconnectReason.REPLACED: Ending.REPLACED,
}
BANS: Mapping[int, LazyProxy] = {  # by WhatsApp's own number, less a hundred
    1: _("This number wrote to too many people who do not have it in their address book."),
    2: _("Too many people blocked this number."),
    3: _("This number made too many groups with people who do not have it in their address book."),
    4: _("This number sent the same message too often."),
    5: _("This number sent too much to broadcast lists."),
}
SENTENCES: Mapping[Ending, LazyProxy] = {
    Ending.EXPIRED: _("Nobody scanned the code in time. Show a new one when the phone is at hand."),
    Ending.UNLINKED: _("This number was unlinked here. Link it again to go on; what waits to be sent stays waiting."),
    Ending.UNTOLD: _(
        "This number was unlinked here and its keys are destroyed, but the phone could not be told. "
        "Do it by hand: on the phone open WhatsApp, Linked devices, tap “SalesEdge” and log it out."
    ),
    Ending.LOGGED_OUT: _("The phone unlinked this box. Link the number again; what waits to be sent stays waiting."),
    Ending.BANNED: _(
        "WhatsApp blocked this number. Ask for a review in the app on the phone, and link again only when it works there; "
        "what waits to be sent stays waiting."
    ),
    Ending.OUTDATED: _("WhatsApp no longer accepts this version of the box (405). Update the box, then link again."),
    Ending.REPLACED: _("Another program took this link over. Close it, then connect again here."),
    Ending.BUSINESS: _(
        "This is a verified business number: it may not be linked by QR, because it would lose its verification. "
        "Use the official Cloud API for it."
    ),
    Ending.SEALED: _(
        "This box may not call web.whatsapp.com. The operator can allow it with network.mode and network.allowed_hosts; "
        "files also need mmg.whatsapp.net."
    ),
    Ending.NO_LIBRARY: _("The part of the box that speaks WhatsApp by QR is not installed or does not start. Ask the box's operator."),
    Ending.FULL: _(
        "This box keeps as many linked numbers as its operator allows (channels.max_linked_numbers). "
        "Unlink another one, or ask the operator, then connect again."
    ),
    Ending.UNWRITTEN: _(
        "What came to this number could not be written down, so the box stopped listening; nothing of it is lost. "
        "Ask the box's operator to look at the logs, then connect again."
    ),
}
UNREACHED = _("WhatsApp has not been reached for some time. Check the network; it is tried again by itself, and what waits stays waiting.")
SUSPENDED = _("The organisation is suspended, so the number was closed. It opens again by itself, without a new code, once it is resumed.")
APPS_OWN = "smb:wa"  # who issues the certificates of the free Business app; "ent:wa" those of businesses that WhatsApp verified


def is_verified(issuer: str) -> bool:
    """Whether a business with such a certificate would lose something by being linked; empty: it has none."""
    return issuer not in {"", APPS_OWN}


def ending_of(code: int) -> Ending | None:
    """None where trying again makes sense."""
    return _FINAL.get(code)


def retry_after(attempt: int, code: int, chance: float) -> timedelta:
    """How long to wait before try number `attempt` (the first is 1). It is never given up: what ends a link is WhatsApp's word.

    `chance`: 0 to 1, so that numbers do not come together.
    """
    if code in AT_ONCE:
        return timedelta(0)
    wait = min(FIRST_WAIT_S * (1 << min(attempt - 1, 20)), LONGEST_WAIT_S)
    return timedelta(seconds=wait * (0.5 + chance))


def leave_again_after(attempt: int, chance: float) -> timedelta:
    """How long to wait after try number `attempt` to tell the phone that we are gone. `chance`: 0 to 1."""
    wait = min(FIRST_LEAVE_S * (1 << min(attempt - 1, 20)), LONGEST_LEAVE_S)
    return timedelta(seconds=wait * (0.5 + chance))
