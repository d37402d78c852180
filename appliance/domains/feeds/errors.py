from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _


class FeedNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("No program listens to this number."))


class InstanceNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("No number linked by QR has this name."))


class NameTaken(Conflict):
    def __init__(self) -> None:
        super().__init__(_("A number of this name is there already."))


class ListenerGone(Refused):
    """The program said that it will not come back (410)."""

    def __init__(self) -> None:
        super().__init__(_("The address answers that it is gone (410). Nothing is told any more until you switch it on again."))
