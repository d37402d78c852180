from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import lazy_gettext as _


class BadPicture(Refused):
    """`why` is a sentence."""


class BadPack(Refused):
    """The file is no brand pack, or one that this box must not take."""

    def __init__(self, why: object) -> None:
        super().__init__(why, fields={"pack": why})


class NothingToPublish(Conflict):
    def __init__(self) -> None:
        super().__init__(_("There is no draft. Change something and look at it first."))


class NothingToUndo(Conflict):
    def __init__(self) -> None:
        super().__init__(_("There is nothing to go back to."))
