"""What Meta's answers and webhooks have in common."""

from datetime import UTC, datetime

from appliance.domains.channels.gateways.cloud.addressing import Raw
from appliance.domains.channels.types import Quality

# Cloud API error codes that mean "later": throttling and outages. https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
LATER = frozenset({1, 2, 4, 80007, 80008, 130429, 131000, 131016, 131048, 131056, 131057, 133004})
TOKEN = frozenset({0, 190})  # the access token is no good
QUALITIES = {"GREEN": Quality.HIGH, "YELLOW": Quality.MEDIUM, "RED": Quality.LOW}


def inner(answer: Raw, name: str) -> Raw:
    found = answer.get(name)
    return found if isinstance(found, dict) else {}


def moment_of(timestamp: object) -> datetime:
    """Seconds since 1970, as text; a nonsense one becomes the beginning of time rather than a lost message."""
    try:
        return datetime.fromtimestamp(int(str(timestamp)), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
