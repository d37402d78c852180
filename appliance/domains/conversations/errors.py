from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _


class ConversationNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This conversation does not exist."))


class MessageNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This message does not exist."))


class LabelNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This label does not exist."))


class QuickReplyNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This quick reply does not exist."))


class MacroNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This macro does not exist."))


class TeamNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This team does not exist."))


class SavedViewNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This view does not exist."))


class SlaPolicyNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This service level does not exist."))


class SurveyNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This question does not exist."))


class WindowClosed(Refused):
    """Free text is not allowed any more on this channel; a template is."""

    objection = "window_closed"


class ContactBlocked(Refused):
    """Nobody writes to a blocked contact, and nothing is done with the conversation but to unblock it."""

    objection = "blocked"

    def __init__(self) -> None:
        super().__init__(_("This contact is blocked. Unblock them first."))


class TooMuchSpoken(Refused):
    """For models that listen to one recording at a time. It is kept, as every recording is."""

    def __init__(self, minutes: int) -> None:
        super().__init__(_(
            "More was recorded in this conversation within an hour than the box writes down (%(minutes)d minutes): "
            "somebody has to listen to this one.", minutes=minutes,
        ))  # fmt: skip


class HeldBySomebody(Conflict):
    """Another person has the conversation."""
