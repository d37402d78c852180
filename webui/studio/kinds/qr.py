"""WhatsApp by QR: the code and its time, how the link stands and what to do, how risky the number is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import segno
from pydantic import Field

from appliance.core.i18n import gettext, ngettext
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels import queries
from appliance.domains.channels.schemas import LinkCodesOut, LinkOut
from appliance.domains.channels.types import RISK_VERSION, WHATSAPP_QR, Ending, Factor, LinkState
from webui.formats import number
from webui.studio import listening
from webui.studio.kinds import walls
from webui.studio.kinds.page import ChannelForm, KindPage

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork
    from appliance.domains.channels.queries import Meter
    from appliance.domains.channels.schemas import ChannelOut

# state: kind of badge, name, what to do
STATES = {
    LinkState.NEW: ("", _("Not linked"), _("Have the phone of this number at hand, then show the code.")),
    LinkState.CONNECTING: ("info", _("Connecting"), _("The link is being prepared. This takes a few seconds.")),
    LinkState.QR: ("info", _("Waiting to be scanned"), _("Scan the code with the phone of this number.")),
    LinkState.PAIRING: ("info", _("Waiting for the code"), _("Type the code on the phone of this number.")),
    LinkState.OPEN: ("ok", _("Connected"), _("Messages come and go.")),
    LinkState.CLOSED: (
        "warn", _("Connecting again"), _("The connection was lost and is tried again by itself. What waits to be sent stays waiting."),
    ),
    LinkState.LOGGED_OUT: ("bad", _("Unlinked by the phone"), ""),
    LinkState.BANNED: ("bad", _("Blocked by WhatsApp"), ""),
}
STOPPED = ("bad", _("Not connected"), "")
UNREACHED = ("warn", _("No code yet"), _("WhatsApp was not reached, so there is no code to scan yet. It is tried again by itself."))
OFF = ("", _("Switched off"), _("The channel is switched off, so nothing is connected. Switch it on below."))
GIVEN_UP = _("Linking was stopped. Have the phone of this number at hand, then show the code.")
NO_FAULT = (Ending.EXPIRED, Ending.UNLINKED)
LEVELS = {"ok": _("low"), "warn": _("moderate"), "bad": _("high")}
FACTORS = {
    Factor.AGE: _("Age of the link"),
    Factor.VOLUME: _("Messages today"),
    Factor.REPLIES: _("Answers received in 7 days"),
    Factor.REFUSALS: _("Refused in 7 days"),
    Factor.RECONNECTS: _("Reconnections today"),
}
ADVICE = {
    Factor.AGE: _("The link is young: let people write first, and let volume grow over weeks."),
    Factor.VOLUME: _("The day's number is nearly used up: keep what is not urgent for tomorrow."),
    Factor.REPLIES: _("Few people answer: ask a question in the first message, and write only to who expects it."),
    Factor.REFUSALS: _("WhatsApp refuses messages: check the list of people before you go on."),
    Factor.RECONNECTS: _("The link breaks often: keep the phone charged and on a steady network."),
}
HOSTS = ("web.whatsapp.com", "mmg.whatsapp.net")  # messages, files
PHONE_SERVER = "@s.whatsapp.net"


class QrForm(ChannelForm):
    daily_limit: int = Field(0, ge=0, le=1000)
    shows_typing: bool = False
    marks_read: bool = False
    takes_groups: bool = False


@dataclass(frozen=True)
class Code:
    """A QR as one path of an SVG; `left` seconds of `seconds`."""

    size: int
    path: str
    number: int
    left: int
    seconds: int


def draw(text: str) -> tuple[int, str]:
    """Side and path: a rectangle for each run of dark modules."""
    rows = [bytes(row) for row in segno.make(text, error="l", micro=False).matrix]
    parts = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            run = next((at for at in range(x, len(row)) if not row[at]), len(row)) - x
            if run:
                parts.append(f"M{x} {y}h{run}v1h-{run}z")
            x += max(run, 1)
    return len(rows), "".join(parts)


def _code(uow: UnitOfWork, link: LinkCodesOut) -> Code | None:
    if link.state is not LinkState.QR or not link.qr or link.qr_until is None:
        return None
    left = max(round((link.qr_until - uow.now).total_seconds()), 0)
    return Code(*draw(link.qr), link.qr_number, left, link.qr_seconds)


def _state(link: LinkOut, *, is_on: bool) -> tuple[str, object, object]:
    if link.ending is None:
        return _under_way(link, is_on=is_on)
    why = queries.explain(link.ending)
    if link.state is not LinkState.CLOSED:
        return (*STATES[link.state][:2], why)
    if link.seen_at is not None:
        return (*STOPPED[:2], why)
    badge = "" if link.ending in NO_FAULT else "bad"
    return badge, STATES[LinkState.NEW][1], GIVEN_UP if link.ending is Ending.UNLINKED else why


def _under_way(link: LinkOut, *, is_on: bool) -> tuple[str, object, object]:
    """What was never linked has lost nothing."""
    if link.state is not LinkState.CLOSED:
        return STATES[link.state]
    if not is_on:
        return OFF
    return STATES[LinkState.CLOSED] if link.linked_at else UNREACHED


def _around(box: Box, _channel: ChannelOut | None) -> dict[str, object]:
    return {"wall": walls.wall_before(box, HOSTS)}


def _values(meter: Meter) -> dict[Factor, str]:
    week = meter.week
    days = ngettext("%(num)d day", "%(num)d days", week.age_days)
    replies = f"{number(round(100 * week.received / week.sent))}%" if week.sent else "-"
    return {
        Factor.AGE: days,
        Factor.VOLUME: gettext("%(sent)s of %(most)s", sent=number(week.sent_today), most=number(week.per_day)),
        Factor.REPLIES: replies,
        Factor.REFUSALS: number(week.refused),
        Factor.RECONNECTS: number(week.reconnects_today),
    }


def _wall(uow: UnitOfWork, feed_host: str) -> walls.Wall | None:
    """One block of lines for the number and the program that listens to it."""
    return walls.wall_before(uow.box, (*HOSTS, feed_host)) if walls.wall_before(uow.box, HOSTS) else None


def _panel(uow: UnitOfWork, channel: ChannelOut) -> dict[str, object]:
    listener = listening.panel(uow, channel.id)
    row, meter = queries.get_link(uow, channel.id), queries.get_meter(uow, channel.id)
    link, codes = LinkOut.model_validate(row), LinkCodesOut.model_validate(row)
    turn = math.pi * (1 - meter.total / 100)
    return {
        "link": link, "code": _code(uow, codes), "pairing_code": codes.pairing_code, "link_state": _state(link, is_on=channel.active),
        "meter": meter, "levels": LEVELS,
        "factors": FACTORS, "advice": ADVICE, "values": _values(meter), "dot": (90 + 70 * math.cos(turn), 84 - 70 * math.sin(turn)),
        "risk_version": RISK_VERSION,
        "phone": (link.jid or "").split(":")[0].removesuffix(PHONE_SERVER),
        "has_signed": link.accepted_version == RISK_VERSION, "LinkState": LinkState,
        "wall": _wall(uow, str(listener["feed_host"])), **listener,
    }  # fmt: skip


QR = KindPage(
    WHATSAPP_QR,
    form=QrForm,
    title=_("Link WhatsApp by QR"),
    says=_("The number stays on its phone; the box is linked like WhatsApp Web. Not official: WhatsApp may block the number."),
    made=_("Saved. Now read about the risk and link the number."),
    around=_around,
    panel=_panel,
)
