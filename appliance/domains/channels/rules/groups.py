"""Groups of WhatsApp, as their addresses tell them from people."""

from appliance.domains.contacts.types import Identity, IdentityKind

SERVER = "@g.us"


def is_group(address: str) -> bool:
    return address.endswith(SERVER)


def identity_of(address: str) -> Identity:
    """A group is recognised as itself: none of its members is."""
    return Identity(IdentityKind.WHATSAPP_GROUP, address.removesuffix(SERVER))
