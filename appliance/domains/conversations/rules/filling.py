"""What may stand in a text that is kept ready for conversations."""

from appliance.core.filling import filled, places
from appliance.domains.conversations.types import VARIABLES

__all__ = ["filled", "first_name", "unknown_variables"]


def unknown_variables(text: str) -> list[str]:
    return sorted(set(places(text)) - set(VARIABLES))


def first_name(name: str) -> str:
    return name.split(maxsplit=1)[0] if name.split() else ""
