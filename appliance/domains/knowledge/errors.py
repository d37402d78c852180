"""What knowledge refuses."""

from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _


class DocumentNotFound(NotFound):
    """Absent, of another tenant, or out of this agent's scope."""


class QueryNotFound(NotFound):
    """No such question was asked here."""


class GapNotFound(NotFound):
    """No such unanswered question."""


class NothingToRead(Refused):
    """The upload carries no file, or one without a name."""


class AlreadyProcessing(Conflict):
    """A version of this document is still being read."""


class UnknownAgent(Refused):
    """A document is filed for an agent that this organisation does not have."""


class FileTooLarge(Refused):
    pass


class UploadNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This upload does not exist, or nobody went on with it for a day."))


class PieceOutOfPlace(Conflict):
    pass


class PieceTooSmall(Refused):
    pass


class TooManyUploads(Conflict):
    pass


class UnknownProtocol(Refused):
    pass
