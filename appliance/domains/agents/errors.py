from appliance.core.errors import Conflict, NotFound


class AgentNotFound(NotFound):
    pass


class NothingToPublish(Conflict):
    pass
