"""How the inbox calls what the box understood of a contact's messages."""

from collections.abc import Collection
from dataclasses import dataclass

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.conversations.types import Signal, Topic

TOPICS = {
    Topic.PRICE: _("Price"),
    Topic.AVAILABILITY: _("Availability"),
    Topic.BUYING: _("Wants to buy"),
    Topic.PAYMENT: _("Payment"),
    Topic.CREDIT: _("Instalments and credit"),
    Topic.WHOLESALE: _("For a company"),
    Topic.DELIVERY: _("Delivery"),
    Topic.ORDER_STATUS: _("Where the order is"),
    Topic.RETURNS: _("Exchange or refund"),
    Topic.WARRANTY: _("Warranty"),
    Topic.SUPPORT: _("Technical help"),
    Topic.SCHEDULING: _("Appointment"),
    Topic.HOURS_PLACE: _("Hours and address"),
    Topic.COMPLAINT: _("Complaint"),
    Topic.PRAISE: _("Praise"),
    Topic.WANTS_PERSON: _("Wants a person"),
    Topic.PRIVACY: _("Personal data"),
    Topic.EMERGENCY: _("Danger"),
    Topic.OFF_TOPIC: _("Something else"),
}


@dataclass(frozen=True)
class Mark:
    """One signal as the list shows it."""

    name: Signal
    words: str
    tone: str
    icon: str


MARKS = {
    Signal.URGENT: (_("Danger"), "bad", "alert"),
    Signal.COMPLAINT: (_("Complaint"), "warn", "thumb-down"),
    Signal.PURCHASE: (_("Buying intent"), "line", "tag"),
}


SAID_BY = {Topic.EMERGENCY: Signal.URGENT, Topic.COMPLAINT: Signal.COMPLAINT, Topic.BUYING: Signal.PURCHASE}


def marks(signals: Collection[Signal]) -> list[Mark]:
    """The gravest first."""
    return [Mark(signal, str(words), tone, icon) for signal, (words, tone, icon) in MARKS.items() if signal in signals]


def topic_name(topic: Topic | None, signals: Collection[Signal] = ()) -> str:
    """Empty for what says nothing: a greeting, or what a signal beside it says already."""
    return str(TOPICS[topic]) if topic in TOPICS and SAID_BY.get(topic) not in signals else ""
