from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import func, select

from appliance.core.paging import read_page
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.core.working_hours import ALWAYS, Calendar
from appliance.domains.agents.errors import AgentNotFound, VersionNotFound
from appliance.domains.agents.schemas import AgentSettings
from appliance.domains.agents.tables import Agent, AgentVersion
from appliance.domains.agents.types import Intent, Policy, VersionState
from appliance.domains.identity import queries as identity

MAX_LISTED = 500


def get_agent(uow: UnitOfWork, agent_id: UUID) -> Agent:
    return required(uow.session.get(Agent, agent_id), AgentNotFound)


def agent_exists(uow: UnitOfWork, agent_id: UUID) -> bool:
    return uow.session.get(Agent, agent_id) is not None


def lock_agent(uow: UnitOfWork, agent_id: UUID) -> Agent:
    return required(uow.session.scalar(locked(select(Agent).where(Agent.id == agent_id))), AgentNotFound)


def list_page(uow: UnitOfWork, query: PageQuery) -> Page[Agent]:
    return read_page(uow, select(Agent).order_by(Agent.created_at, Agent.id), query)


def list_agents(uow: UnitOfWork) -> Sequence[Agent]:
    """All there are, for choices and names; what people page through is `list_page`."""
    return uow.session.scalars(select(Agent).order_by(Agent.created_at).limit(MAX_LISTED)).all()


def find_agent_by_model(uow: UnitOfWork, model: str) -> Agent | None:
    """By id or, when the id is none, by name: what OpenAI clients call the model."""
    try:
        return uow.session.get(Agent, UUID(model))
    except ValueError:
        wanted = select(Agent).where(func.lower(Agent.name) == model.strip().lower(), Agent.active.is_(True))
        return uow.session.scalar(wanted.order_by(Agent.created_at).limit(1))


def get_version(uow: UnitOfWork, agent_id: UUID, number: int) -> AgentVersion:
    wanted = select(AgentVersion).where(AgentVersion.agent_id == agent_id, AgentVersion.number == number)
    return required(uow.session.scalar(wanted), VersionNotFound)


def find_version(uow: UnitOfWork, agent_id: UUID, state: VersionState) -> AgentVersion | None:
    wanted = select(AgentVersion).where(AgentVersion.agent_id == agent_id, AgentVersion.state == state)
    return uow.session.scalar(wanted.order_by(AgentVersion.number.desc()).limit(1))


def newest_number(uow: UnitOfWork, agent_id: UUID) -> int:
    """0 before its first version."""
    return uow.session.scalar(select(func.max(AgentVersion.number)).where(AgentVersion.agent_id == agent_id)) or 0


def list_versions(uow: UnitOfWork, agent_id: UUID) -> Sequence[AgentVersion]:
    get_agent(uow, agent_id)
    wanted = select(AgentVersion).where(AgentVersion.agent_id == agent_id)
    return uow.session.scalars(wanted.order_by(AgentVersion.number.desc()).limit(MAX_LISTED)).all()


def find_published_policy(uow: UnitOfWork, agent_id: UUID) -> tuple[int, Policy] | None:
    """None when the agent is gone, asleep or was never published: then people answer."""
    agent = uow.session.get(Agent, agent_id)
    if agent is None or not agent.active or agent.published_number is None:
        return None
    return agent.published_number, policy_of(uow, get_version(uow, agent_id, agent.published_number))


def get_policy(uow: UnitOfWork, agent_id: UUID, *, draft: bool) -> tuple[int, Policy]:
    """Of the draft where there is one and it is asked for, else of what is published."""
    get_agent(uow, agent_id)
    version = find_version(uow, agent_id, VersionState.DRAFT) if draft else None
    version = version or find_version(uow, agent_id, VersionState.PUBLISHED) or find_version(uow, agent_id, VersionState.DRAFT)
    if version is None:
        raise VersionNotFound
    return version.number, policy_of(uow, version)


def get_settings(uow: UnitOfWork, agent_id: UUID) -> AgentSettings:
    """The draft's, else the published ones."""
    get_agent(uow, agent_id)
    found = find_version(uow, agent_id, VersionState.DRAFT) or find_version(uow, agent_id, VersionState.PUBLISHED)
    return AgentSettings.model_validate(found.settings) if found else AgentSettings()


def policy_of(uow: UnitOfWork, version: AgentVersion) -> Policy:
    tenant = identity.find_tenant(uow, uow.tenant_id)
    policy = policy_from(AgentSettings.model_validate(version.settings), identity.get_calendar(uow))
    return replace(policy, company=tenant.name if tenant else "")


_SENTENCES = ("greeting", "identity", "fallback", "handoff_notice", "purpose_notice", "closed_notice")


def policy_from(settings: AgentSettings, calendar: Calendar = ALWAYS) -> Policy:
    """`calendar` is the organisation's."""
    guard, handoff, hours = settings.guardrails, settings.handoff, settings.hours
    wanted = {
        Intent.WANTS_PERSON: handoff.on_request,
        Intent.TASK: handoff.on_request,
        Intent.COMPLAINT: handoff.on_complaint,
        Intent.PRIVACY: True,  # LGPD art. 18: requests about personal data are answered by somebody
        Intent.NEGATIVE: handoff.on_negative,
        Intent.BUYING: handoff.on_buying,
        Intent.PRICE: guard.price_to_person,
        Intent.PAYMENT: guard.payment_to_person,
    }
    return Policy(
        language=settings.language,
        sentences={name: getattr(settings, name) for name in _SENTENCES},
        confidence_floor=settings.confidence_floor,
        send_unsure=settings.unsure == "send",
        debounce_ms=settings.debounce_ms,
        forbidden_phrases=tuple(guard.forbidden_phrases),
        allowed_topics=tuple(guard.allowed_topics),
        keywords=tuple(handoff.keywords),
        to_person=frozenset(intent for intent, on in wanted.items() if on),
        after_fallbacks=handoff.after_fallbacks,
        max_recent_replies=handoff.max_replies_in_10_minutes,
        calendar=hours.over(calendar),
        hand_off_when_closed=hours.when_closed == "hand_off",
        own_knowledge_only=settings.knowledge == "agent",
        model=settings.model,
        voice="\n".join(part for part in (settings.role.strip(), settings.persona.strip()) if part),
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
    )
