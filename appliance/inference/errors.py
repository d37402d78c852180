"""What inference refuses, beside being unavailable."""

from appliance.core.errors import Conflict, NotFound, Refused


class IndexMissing(NotFound):
    """The vectors of this namespace are lost or were never built: rebuild them from the stored embeddings."""


class IndexMismatch(Conflict):
    """The namespace holds vectors of another model: embed again and rebuild."""


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
