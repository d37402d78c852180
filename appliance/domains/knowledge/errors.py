"""What knowledge refuses."""

from appliance.core.errors import Conflict, NotFound, Refused


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
