from appliance.core.errors import Conflict, NotFound
from appliance.core.i18n import lazy_gettext as _


class AgentNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This agent does not exist."))


class VersionNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This agent has no such version."))


class NothingToPublish(Conflict):
    pass
