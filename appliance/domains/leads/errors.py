from appliance.core.errors import Conflict, NotFound, Refused, Unauthenticated
from appliance.core.i18n import lazy_gettext as _


class SourceNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This lead source does not exist."))


class LeadNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This lead does not exist."))


class SourceInUse(Conflict):
    def __init__(self) -> None:
        super().__init__(_("This source has brought leads. Switch it off instead of deleting it."))


class SourceSilent(Conflict):
    def __init__(self) -> None:
        super().__init__(_("This lead source is switched off."))


class NobodyNamed(Refused):
    def __init__(self) -> None:
        super().__init__(_("This names nobody: no name, e-mail, phone or id. Correct the mapping of the source."))


class WebhookRefused(Unauthenticated):
    """`reason` is kept with the event that was refused."""

    def __init__(self, reason: str, sentence: object) -> None:
        super().__init__(sentence)
        self.reason = reason
