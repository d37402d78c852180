"""What inference refuses, beside being unavailable."""

from appliance.core.errors import Away, Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _


class IndexMissing(NotFound):
    """The vectors of this namespace are lost or were never built: rebuild them from the stored embeddings."""

    def __init__(self, message: object = _("This index does not exist; build it from the stored embeddings.")) -> None:
        super().__init__(message)


class IndexMismatch(Conflict):
    """The namespace holds vectors of another model: embed again and rebuild."""

    def __init__(self, message: object = _("These vectors come from another model.")) -> None:
        super().__init__(message)


class VectorsAway(Away):
    """The database of the vectors, where the settings name one."""

    def __init__(self, why: object, *, retry_after: float | None = None) -> None:
        super().__init__(_("The vectors cannot be reached at the moment. Try again shortly."), why, retry_after=retry_after)


class NoModel(Conflict):
    """No model for this task is installed."""


class NoChatEngine(NoModel):
    """Nothing on this box writes text; answers are quoted instead."""


class SchemaNotMet(Conflict):
    """The model did not produce the JSON that was asked for, several times in a row."""


class ModelRefused(Refused):
    """The engine would not take this request, for instance because it is too long for the model."""


class KeyRefused(ModelRefused):
    """The engine does not know who asks: no request of this box will do there."""
