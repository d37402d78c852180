from appliance.core.errors import Conflict, NotFound, Refused


class ConversationNotFound(NotFound):
    pass


class MessageNotFound(NotFound):
    pass


class WindowClosed(Refused):
    """Free text is not allowed any more on this channel; a template is."""


class HeldBySomebody(Conflict):
    """Another person has the conversation."""
