from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.signatures import WebhookRefused

__all__ = [
    "LeadNotFound",
    "NoOpenList",
    "NobodyNamed",
    "NobodySeen",
    "ReceiptNotFound",
    "SourceInUse",
    "SourceNotFound",
    "SourceSilent",
    "WebhookRefused",
]


class SourceNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This lead source does not exist."))


class LeadNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This lead does not exist."))


class ReceiptNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("Nothing with this number was taken, or it is kept no longer."))


class SourceInUse(Conflict):
    def __init__(self) -> None:
        super().__init__(_("This source has brought leads. Switch it off instead of deleting it."))


class SourceSilent(Conflict):
    def __init__(self) -> None:
        super().__init__(_("This lead source is switched off."))


class NoOpenList(Refused):
    def __init__(self) -> None:
        said = _("Choose a source of the kind “Imported lists” that is switched on.")
        super().__init__(said, fields={"source_id": said})


class NobodyNamed(Refused):
    def __init__(self) -> None:
        super().__init__(_("This names nobody: no name, e-mail, phone or id. Correct the mapping of the source."))


class NobodySeen(Refused):
    def __init__(self) -> None:
        super().__init__(_("We could not tell that a person sends this. Send it again; the page needs JavaScript for that."))
