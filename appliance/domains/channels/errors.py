from appliance.core.errors import Conflict, NotFound, Refused, Unauthenticated, Unavailable
from appliance.core.i18n import lazy_gettext as _


class ChannelNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This channel does not exist."))


class KeyRefused(Refused):
    """The provider no longer takes the channel's keys: nothing leaves until somebody enters new ones."""


class Deferred(Unavailable):
    """This one message has to wait (its recipient is busy, say). The channel works, and others need not wait with it."""


class MailKeyNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This key does not exist."))


class PostedMailNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This mail was read already, or is kept no longer."))


class ChannelInUse(Conflict):
    """It has conversations: it can be disabled, not deleted."""


class UnknownVisitor(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(_("This chat has to begin anew."))


class TemplateNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This template does not exist."))
