from appliance.core.errors import Conflict, NotFound, Refused, Unauthenticated
from appliance.core.i18n import lazy_gettext as _


class ChannelNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This channel does not exist."))


class KeyRefused(Refused):
    """The provider no longer takes the channel's keys: nothing leaves until somebody enters new ones."""


class ChannelInUse(Conflict):
    """It has conversations: it can be disabled, not deleted."""


class UnknownVisitor(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(_("This chat has to begin anew."))
