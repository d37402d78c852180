"""What a link knows of its child: how long it waits for it, what it has heard, how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.gateways.qr.inbound import KEPT
from appliance.domains.channels.rules import groups, linking
from appliance.domains.channels.rules.reasons import DisconnectReason
from appliance.domains.channels.types import Ending


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for what must come; tests wait less."""

    look: float = 1.0
    start: float = 60.0
    qr: float = linking.QR_DEADLINE.total_seconds()
    opening: float = 90.0
    reopening: float = 120.0
    ping: float = 20.0
    silence: float = 60.0
    farewell: float = 20.0
    glance: float = 0.25
    burst: float = 1.0
    grace: float = 10.0
    retries: float = 1.0  # times as long as usual
    steady: float = 60.0  # open for so long, its troubles are over
    members: float = 3600.0  # between two looks at who is in a group


@dataclass(frozen=True)
class Over:
    """How a child's life ended: for good, or with a code that says how to go on."""

    code: int = 0
    reason: object = ""
    ending: Ending | None = None
    lasts_s: int = 0  # the ban, as far as WhatsApp says

    @property
    def keys_are_void(self) -> bool:
        """WhatsApp takes them no more. A ban for a time leaves them be."""
        is_blocked = self.ending is Ending.BANNED and self.code == DisconnectReason.FORBIDDEN
        return is_blocked or self.ending in (Ending.LOGGED_OUT, Ending.BUSINESS)


@dataclass
class Life:
    """What is known of the child that runs now."""

    deadline: float
    heard_at: float
    pinged_at: float
    noted_at: float
    stored_at: float = 0.0
    asked_at: datetime | None = None  # the last wish to have it opened that this child serves
    store_changed: bool = False
    is_new: bool = False  # a number that was never open yet
    is_ready: bool = False
    is_open: bool = False
    opened_at: float | None = None
    unproven: wire.Open | None = None  # a business number, of which is asked whether it may be linked
    qr: wire.Qr | None = None
    last_qr_by: float = 0.0
    asked_phone: str = ""
    letters: list[str] = field(default_factory=list)
    told: int = 0  # letters that came from this child
    left_out: int = 0  # messages of groups, to be counted
    groups_asked: dict[str, float] = field(default_factory=dict)  # when, by their JID
    farewell: Over | None = None  # what it ends with once the phone was told, or could not be
    over: Over | None = None


def letters_of(lines: Iterable[bytes], *, takes_groups: bool) -> tuple[list[str], int]:
    """Those that are kept, and how many messages of groups are not."""
    told = [(line, event) for line in lines if isinstance(event := wire.decode_event(line), KEPT)]
    kept = [line.decode() for line, event in told if takes_groups or not group_of(event)]
    return kept, 0 if takes_groups else sum(isinstance(event, wire.Message) and bool(group_of(event)) for _, event in told)


def group_of(event: wire.Event) -> str:
    """In which group that was said; empty for what was said elsewhere, and for what became of messages of ours."""
    if not isinstance(event, wire.Message | wire.Edited | wire.Deleted | wire.Undecryptable):
        return ""
    return event.key.remote_jid if groups.is_group(event.key.remote_jid) else ""


def asks_who(event: wire.Event) -> bool:
    """Whether somebody is named in what was said."""
    return isinstance(event, wire.Message | wire.Edited) and bool(event.mentions)
