from appliance.core.errors import Conflict, NotFound


class ChannelNotFound(NotFound):
    pass


class ChannelInUse(Conflict):
    """It has conversations: it can be disabled, not deleted."""
