"""What an agent starts from, and what one version changes of another."""

from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.agents.queries.agents import find_version, get_version
from appliance.domains.agents.rules.differences import differences
from appliance.domains.agents.rules.templates import TEMPLATES
from appliance.domains.agents.types import Difference, Template, VersionState


def list_templates(language: str | None = None) -> list[Template]:
    """Of one language, or all."""
    return [one for one in TEMPLATES if language in (None, one.language)]


def list_differences(uow: UnitOfWork, agent_id: UUID, before: int, after: int) -> list[Difference]:
    """Between two versions, by number. Raises VersionNotFound."""
    return list(differences(get_version(uow, agent_id, before).settings, get_version(uow, agent_id, after).settings))


def list_changes(uow: UnitOfWork, agent_id: UUID) -> list[Difference]:
    """What customers would meet that they do not meet now."""
    draft, live = (find_version(uow, agent_id, state) for state in (VersionState.DRAFT, VersionState.PUBLISHED))
    return list(differences(live.settings, draft.settings)) if draft and live else []
