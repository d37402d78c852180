"""The menu as data. An item shows when its page exists and the person may open it, so there are no dead links."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from babel.support import LazyProxy
from flask import current_app, request, url_for

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Principal

FOOT = "foot"


@dataclass(frozen=True)
class NavItem:
    """`keys` is its shortcut, `short` the word for the phone's tab bar (an item without one is not there)."""

    label: LazyProxy
    endpoint: str
    icon: str
    permission: str | None = None
    group: LazyProxy | str = ""
    keys: str = ""
    short: LazyProxy | None = None


SERVE = _("Serve")
BUILD = _("Build")

NAVIGATION: tuple[NavItem, ...] = (
    NavItem(_("Home"), "home.dashboard", "home", None, "", "g h", _("Home")),
    NavItem(_("Inbox"), "inbox.inbox", "inbox", "conversations:read", SERVE, "g i", _("Conversations")),
    NavItem(_("Contacts"), "crm.contacts", "users", "contacts:read", SERVE, "g c", _("Contacts")),
    NavItem(_("Leads"), "crm.leads", "target", "leads:read", SERVE, "g l"),
    NavItem(_("Knowledge"), "knowledge.documents", "book", "knowledge:read", BUILD, "g k", _("Knowledge")),
    NavItem(_("Agents"), "studio.agents", "bot", "agents:read", BUILD, "g a"),
    NavItem(_("Channels"), "studio.channels", "plug", "channels:read", BUILD),
    NavItem(_("Templates"), "studio.templates", "copy", "templates:read", BUILD),
    NavItem(_("Simulator"), "studio.simulator", "whatsapp", "channels:write", BUILD),
    NavItem(_("Inbox settings"), "inbox.settings", "tag", "inbox:write", BUILD),
    NavItem(_("Company"), "admin.company", "building", "tenant:write", FOOT),
    NavItem(_("Brand"), "admin.brand_look", "star", "brand:write", FOOT),
    NavItem(_("Hours and holidays"), "admin.hours", "clock", "hours:write", FOOT),
    NavItem(_("People and access"), "admin.members", "user-plus", "members:read", FOOT, "g p"),
    NavItem(_("Background work"), "admin.jobs", "refresh", "jobs:read", FOOT),
    NavItem(_("Box health"), "admin.health", "pulse", "health:read", FOOT),
    NavItem(_("Machine and models"), "admin.machine_page", "cpu", "health:read", FOOT),
    NavItem(_("Backups"), "admin.backups", "shield", "backups:read", FOOT),
    NavItem(_("Keys"), "admin.keys", "lock", "keys:read", FOOT),
    NavItem(_("API"), "reference.reference", "link", "api:read", FOOT),
)


@dataclass(frozen=True)
class NavLink:
    label: str
    url: str
    icon: str
    keys: str
    short: str
    current: bool


@dataclass(frozen=True)
class NavGroup:
    label: str
    links: tuple[NavLink, ...]
    foot: bool


def navigation_for(person: Principal, items: Iterable[NavItem] = NAVIGATION) -> list[NavGroup]:
    shown = [item for item in items if has_endpoint(item.endpoint) and (item.permission is None or person.can(item.permission))]
    here = _longest_prefix([url_for(item.endpoint) for item in shown])
    groups = []
    for group, members in groupby(shown, key=lambda item: item.group):
        links = tuple(_link(item, here) for item in members)
        groups.append(NavGroup("" if group == FOOT else str(group), links, group == FOOT))
    return groups


def has_endpoint(endpoint: str) -> bool:
    return endpoint in current_app.view_functions


def _link(item: NavItem, here: str) -> NavLink:
    url = url_for(item.endpoint)
    return NavLink(str(item.label), url, item.icon, item.keys, str(item.short or ""), url == here)


def _longest_prefix(urls: Iterable[str]) -> str:
    """The menu entry the page belongs to: /contacts for /contacts/new; the home page only for itself."""
    path = request.path
    fitting = [url for url in urls if path == url or (url != "/" and path.startswith(f"{url}/"))]
    return max(fitting, key=len, default="")
