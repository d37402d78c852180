"""What stands in the DNS for a key that signs mails (RFC 6376, 3.6.1)."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _

_SPACE = re.compile(r"\s+")


def new_selector(now: datetime) -> str:
    """Tells a person when it was made, and two mailboxes of one domain apart."""
    return f"se{now:%Y%m%d}{secrets.token_hex(3)}"


def tags_of(record: str) -> dict[str, str]:
    parts = (one.partition("=") for one in record.split(";"))
    return {name.strip(): _SPACE.sub("", value) for name, sign, value in parts if sign}


def check_record(found: Sequence[str], name: str, public: str) -> None:
    """Raises Refused with what has to be mended."""
    keys = [tags_of(one) for one in found]
    keys = [one for one in keys if "p" in one]
    if not keys:
        raise Refused(_("There is no such record under %(name)s yet. A new one takes minutes, with some providers hours.", name=name))
    if len(keys) > 1:
        raise Refused(_("There is more than one key under %(name)s: receivers may take the wrong one.", name=name))
    if keys[0]["p"] != public:
        raise Refused(_("Under %(name)s stands another key. Copy the value again, whole.", name=name))
    if keys[0].get("v", "DKIM1") != "DKIM1" or keys[0].get("k", "rsa") != "rsa":
        raise Refused(_("The record under %(name)s has the right key but is not whole. Copy the value again.", name=name))
