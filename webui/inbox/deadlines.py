"""How the inbox calls priorities and what was promised by when."""

from dataclasses import dataclass
from datetime import datetime

from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.conversations.schemas import ConversationOut
from appliance.domains.conversations.types import Deadline, Priority, PromiseKind

PRIORITIES = {Priority.URGENT: _("Urgent"), Priority.HIGH: _("High"), Priority.NORMAL: _("Normal"), Priority.LOW: _("Low")}
TONES = {Priority.URGENT: "bad", Priority.HIGH: "warn", Priority.LOW: "line"}
DEADLINES = {Deadline.AT_RISK: _("Due soon"), Deadline.MISSED: _("Overdue")}
KINDS = {
    PromiseKind.FIRST_REPLY: _("First answer"),
    PromiseKind.NEXT_REPLY: _("Each further answer"),
    PromiseKind.RESOLUTION: _("Resolved"),
}


@dataclass(frozen=True)
class Clock:
    """`words` stand before how long it is until then, or since."""

    due_at: datetime
    words: str
    tone: str


def clock_of(found: ConversationOut, now: datetime) -> Clock | None:
    if found.sla_due_at is None or found.sla_warn_at is None:
        return None
    if found.sla_due_at <= now:
        return Clock(found.sla_due_at, gettext("was due"), "bad")
    return Clock(found.sla_due_at, gettext("due"), "warn" if found.sla_warn_at <= now else "line")


def priority_of(found: ConversationOut) -> tuple[str, str] | None:
    """Its name and tone; None for what is as usual."""
    tone = TONES.get(found.priority)
    return (str(PRIORITIES[found.priority]), tone) if tone else None
