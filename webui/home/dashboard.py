"""The first page: who waits for a person, what happened today, and what to do first on a new box."""

from collections.abc import Callable
from dataclasses import dataclass

from babel.support import LazyProxy
from flask import render_template, url_for

from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import NIL
from appliance.core.uow import UnitOfWork
from appliance.core.web import PageQuery, Principal, current_principal
from appliance.core.web.auth import check_access
from appliance.domains.agents import queries as agents
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.schemas import ContactFilter, ContactsQuery
from appliance.domains.contacts.types import ContactSort
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.queries import InboxFilter
from appliance.domains.identity import queries as identity
from appliance.domains.identity.schemas import MembersQuery
from appliance.domains.knowledge import queries as knowledge
from webui.home import figures
from webui.home.pages import pages
from webui.navigation import has_endpoint

RECENT = 6


@dataclass(frozen=True)
class FirstStep:
    """One line of the list for a new box; `is_done` looks at the data, not at a tick box."""

    title: LazyProxy
    why: LazyProxy
    icon: str
    permission: str
    endpoint: str
    is_done: Callable[[UnitOfWork, Principal], bool]


@dataclass(frozen=True)
class StepView:
    title: str
    why: str
    icon: str
    url: str
    done: bool


def _documents(uow: UnitOfWork, _who: Principal) -> int:
    return knowledge.list_documents(uow, limit=1).total


def _contacts(uow: UnitOfWork, _who: Principal) -> int:
    return contacts.count_contacts(uow, ContactFilter())


def _was_tried(uow: UnitOfWork, _who: Principal) -> bool:
    return bool(conversations.list_conversations(uow, InboxFilter(), PageQuery(limit=1)).total)


def _has_team(uow: UnitOfWork, _who: Principal) -> bool:
    return identity.list_members(uow, MembersQuery(limit=1)).total > 1 or bool(identity.list_invitations(uow))


FIRST_STEPS = (
    FirstStep(
        _("Bring in your documents"), _("Price lists, manuals, contracts: the answers come from them."), "book",
        "knowledge:write", "knowledge.documents", lambda uow, who: _documents(uow, who) > 0,
    ),
    FirstStep(
        _("Make an agent"), _("It answers customers from your documents and knows when to call a person."), "bot",
        "agents:write", "studio.agents", lambda uow, _who: bool(agents.list_agents(uow)),
    ),
    FirstStep(
        _("Try it as a customer"), _("Write to the simulator and see what the box answers."), "whatsapp",
        "conversations:read", "studio.simulator", _was_tried,
    ),
    FirstStep(
        _("Bring in your contacts"), _("A spreadsheet is enough; every conversation adds its own."), "users",
        "contacts:write", "crm.imports", lambda uow, who: _contacts(uow, who) > 0,
    ),
    FirstStep(
        _("Invite your team"), _("Those who take over when the box hands a conversation on."), "user-plus",
        "members:write", "admin.members", _has_team,
    ),
)  # fmt: skip


@pages.get("/")
def dashboard(uow: UnitOfWork) -> str:
    who = check_access(current_principal(), None)
    steps = [_view(step, uow, who) for step in FIRST_STEPS if _is_offered(step, who)]
    follows = who.can(figures.READ) and has_endpoint("inbox.inbox")
    return render_template(
        "home/dashboard.html",
        steps=steps if not all(step.done for step in steps) else [],
        recent=_recent(uow) if who.can("contacts:read") else [],
        now=uow.now,
        is_nowhere=who.tenant_id == NIL,
        said_of=figures.said_of,
        **({**figures.todays(uow), **figures.two_weeks(uow)} if follows else {}),
    )


def _is_offered(one: FirstStep, who: Principal) -> bool:
    return who.can(one.permission) and has_endpoint(one.endpoint)


def _view(step: FirstStep, uow: UnitOfWork, who: Principal) -> StepView:
    return StepView(str(step.title), str(step.why), step.icon, url_for(step.endpoint), step.is_done(uow, who))


def _recent(uow: UnitOfWork) -> list[object]:
    wanted = ContactsQuery(sort=ContactSort.NEWEST, page=1, limit=RECENT)
    return list(contacts.list_contacts(uow, wanted).items)
