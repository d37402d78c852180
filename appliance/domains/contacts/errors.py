from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _


class ContactNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This contact does not exist."))


class ImportNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This import does not exist."))


class SegmentNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This segment does not exist."))


class MergeNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This merge does not exist."))


class ConfirmationNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This link is not one of ours, or it is too old. Fill in the form again to get a new one."))


class ConfirmationOver(Conflict):
    def __init__(self) -> None:
        super().__init__(_("This link is too old. Fill in the form again to get a new one."))


class DuplicateNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This pair does not exist."))


class AlreadyDecided(Conflict):
    def __init__(self) -> None:
        super().__init__(_("Somebody decided about these two already. Reload the page."))


class ConsentRefused(Refused):
    """`objection` (types.Objection) says why, for those who decide by it."""

    def __init__(self, objection: str, sentence: object) -> None:
        super().__init__(sentence)
        self.objection = objection


class InvalidField(Refused):
    """One field of a contact cannot be what was given."""

    def __init__(self, field: str, sentence: object) -> None:
        super().__init__(sentence, fields={field: sentence})
        self.field = field


class IdentityTaken(Conflict):
    def __init__(self) -> None:
        super().__init__(_("Another contact already has this e-mail, phone or id. Merge the two instead."))


class StaleContact(Conflict):
    def __init__(self) -> None:
        super().__init__(_("Somebody changed this contact meanwhile. Reload it and try again."))


class MergeRefused(Conflict):
    """Two contacts cannot become one, or a merge cannot be undone any more."""


class ImportRefused(Conflict):
    """The import is running or over."""
