from collections.abc import Sequence

from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _


class AgentNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This agent does not exist."))


class VersionNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This agent has no such version."))


class StaleAgent(Conflict):
    def __init__(self) -> None:
        super().__init__(_("Somebody changed this agent meanwhile."))


class NothingToPublish(Conflict):
    pass


class NotProven(Conflict):
    """The draft has not passed its questions."""


class QuestionNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This question does not exist."))


class EvaluationNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This evaluation does not exist."))


class NothingToAsk(Refused):
    pass


class EvaluationUnderWay(Conflict):
    pass


class NotKept(Refused):
    """A model's text does not hold what it had to, or holds figures that nobody wrote."""

    def __init__(self, changed: Sequence[str]) -> None:
        what = ", ".join(f"“{one}”" for one in changed[:4])
        super().__init__(_("The model changed or made up figures, names or links: %(what)s. Nothing of it was used.", what=what))


class NothingToRead(Refused):
    pass
