from datetime import datetime
from uuid import UUID

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import queries
from appliance.domains.agents.actions import evaluating
from appliance.domains.agents.errors import NothingToPublish, NotProven, StaleAgent
from appliance.domains.agents.events import AgentChanged
from appliance.domains.agents.rules.templates import find_template
from appliance.domains.agents.schemas import AgentIn, AgentPatch, AgentSettings, FromTemplateIn, QuestionIn
from appliance.domains.agents.tables import Agent, AgentVersion
from appliance.domains.agents.types import VersionState
from appliance.domains.identity import actions as identity


def create_agent(uow: UnitOfWork, given: AgentIn, *, publish_now: bool = False) -> Agent:
    """With a first draft; it answers nobody until it is published."""
    agent = Agent(tenant_id=uow.tenant_id, name=given.name, avatar=given.avatar, active=True, created_at=uow.now, changed_at=uow.now)
    uow.session.add(agent)
    uow.session.flush()
    _draft(uow, agent, given.settings)
    if publish_now:
        publish(uow, agent.id)
    uow.emit(AgentChanged(agent.id))
    return agent


def create_from_template(uow: UnitOfWork, given: FromTemplateIn) -> Agent:
    """As a draft, with the first questions it has to get right."""
    template = find_template(given.kind, given.language)
    if template is None:
        raise Refused(_("There is no such template."), fields={"kind": _("There is no such template.")})
    settings = AgentSettings.model_validate(template.settings)
    agent = create_agent(uow, AgentIn(name=given.name or template.name, settings=settings))
    for first in template.questions:
        evaluating.add_question(uow, agent.id, QuestionIn(question=first.text, expected=first.expected))
    return agent


def change_agent(uow: UnitOfWork, agent_id: UUID, given: AgentPatch, *, expected_change: datetime | None = None) -> Agent:
    """Raises AgentNotFound; StaleAgent when it was changed after `expected_change`."""
    agent = queries.lock_agent(uow, agent_id)
    if expected_change not in (None, agent.changed_at):
        raise StaleAgent
    for name, value in given.model_dump(exclude_unset=True, exclude={"settings"}).items():
        setattr(agent, name, value)
    if given.settings is not None:
        _draft(uow, agent, given.settings)
    agent.changed_at = uow.now
    uow.emit(AgentChanged(agent.id))
    return agent


def publish(uow: UnitOfWork, agent_id: UUID, *, note: str = "", anyway: bool = False) -> AgentVersion:
    """The draft answers from here; what answered before is kept and can come back.

    An agent with questions of its own has to pass them first, unless a person says `anyway`. Raises NotProven, NothingToPublish.
    """
    agent = queries.lock_agent(uow, agent_id)
    draft = queries.find_version(uow, agent.id, VersionState.DRAFT)
    if draft is None:
        raise NothingToPublish(_("There is no draft to publish. Change something first."))
    if not anyway:
        _check_proven(uow, agent.id)
    before = queries.find_version(uow, agent.id, VersionState.PUBLISHED)
    if before is not None:
        before.state = VersionState.ARCHIVED
    draft.state, draft.published_at, draft.note = VersionState.PUBLISHED, uow.now, note
    agent.published_number, agent.changed_at = draft.number, uow.now
    uow.session.flush()
    uow.emit(AgentChanged(agent.id))
    return draft


def _check_proven(uow: UnitOfWork, agent_id: UUID) -> None:
    if queries.is_proven(uow, agent_id):
        return
    if queries.find_proof(uow, agent_id) is None:
        raise NotProven(_("This draft has not been asked its questions yet. Ask them first, or publish it anyway."))
    raise NotProven(_("This draft does not pass all of its questions. Mend it, or publish it anyway."))


def roll_back(uow: UnitOfWork, agent_id: UUID, number: int) -> AgentVersion:
    """Publish what an earlier version said, as a new version; a draft in work is replaced by it."""
    agent = queries.lock_agent(uow, agent_id)
    wanted = queries.get_version(uow, agent.id, number)
    _draft(uow, agent, AgentSettings.model_validate(wanted.settings))
    return publish(uow, agent.id, note=f"= v{number}", anyway=True)


def delete_agent(uow: UnitOfWork, agent_id: UUID) -> None:
    """Channels that name it fall to people: whoever writes there is handed off."""
    agent = queries.lock_agent(uow, agent_id)
    uow.session.delete(agent)
    uow.emit(AgentChanged(agent_id))


def _draft(uow: UnitOfWork, agent: Agent, settings: AgentSettings) -> AgentVersion:
    identity.check_apart(settings.hours.spans, "settings.hours.spans")
    draft = queries.find_version(uow, agent.id, VersionState.DRAFT)
    if draft is None:
        number = queries.newest_number(uow, agent.id) + 1
        draft = AgentVersion(
            tenant_id=uow.tenant_id, agent_id=agent.id, number=number, state=VersionState.DRAFT, created_by=uow.actor.id,
            created_at=uow.now, note="",
        )  # fmt: skip
        uow.session.add(draft)
    draft.settings = settings.model_dump(mode="json")
    uow.session.flush()
    return draft
