"""Sending and fetching through the supervisor: what a child says becomes our errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.domains.channels.gateways.qr import asking, wire
from appliance.domains.channels.gateways.qr.inbound import jid_of
from appliance.domains.channels.rules.mentions import with_numbers
from appliance.domains.channels.types import Account, Sent, Unconfirmed

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.domains.conversations.types import Outgoing, Quoted

TEXT_S, FILE_S = 25.0, 90.0
LONGEST_QUOTE = 1000
ASK_AGAIN_S = 10.0  # long enough for an echo to say that it left after all


class QrTransport:
    def __init__(self, box: Box, account: Account) -> None:
        self._path = asking.address(box.settings)
        self._channel_id = account.channel_id

    def send(self, message: Outgoing) -> Sent | Unconfirmed:
        answer = self._ask(message)
        match answer:
            case wire.Sent():
                return Sent(answer.provider_id)
            case wire.Failed():
                return _failed(answer)
            case asking.Away():
                raise _shut()
            case asking.Stored():
                return Unconfirmed()
            case _:
                assert_never(answer)

    def _ask(self, message: Outgoing) -> asking.Answer:
        blob_id = str(message.content.get("media", {}).get("blob_id", ""))
        quote = _quote(message.quoted) if message.quoted else None
        # The child knows what it sent under this id before; only a person's word, which is a first try again, overrides that.
        command = wire.Send(
            message.client_id, jid_of(message.to), message.kind, message.content, reply_to=quote, anyway=message.attempt == 1,
            mentions=tuple(dict.fromkeys(one["jid"] for one in message.content.get("mentions", ()))),
        )  # fmt: skip
        try:
            asked = asking.Asked(self._channel_id, command, blob_id)
            return asking.ask(self._path, asked, timeout_s=FILE_S if blob_id else TEXT_S)
        except asking.NobodyThere as err:
            raise _shut() from err
        except asking.NoAnswer as err:
            raise Unavailable(_("The link to WhatsApp broke off while sending. It is asked again."), retry_after=ASK_AGAIN_S) from err


def _quote(quoted: Quoted) -> wire.Quote:
    """Everybody in the group reads it: numbers stand behind an @, not the names of our contacts."""
    text = with_numbers(quoted.text, quoted.mentions)[:LONGEST_QUOTE]
    return wire.Quote(quoted.provider_id, quoted.is_ours, quoted.author, text)


def _failed(answer: wire.Failed) -> Unconfirmed:
    if answer.may_have_left:
        return Unconfirmed(answer.provider_id)
    if answer.again:
        raise Unavailable(_("WhatsApp did not take the message: %(said)s", said=answer.error[:200]))
    raise Refused(_("WhatsApp refused the message: %(said)s", said=answer.error[:200]))


def _shut() -> Unavailable:
    return Unavailable(_("This number is not connected to WhatsApp now."))


def fetch(box: Box, account: Account, reference: str) -> dict[str, object]:
    """Raises Refused when the file will never come, Unavailable when it may come later."""
    command = wire.Fetch(new_id().hex, reference, "", box.settings.channels.max_media_mb * 2**20)
    try:
        answer = asking.ask(asking.address(box.settings), asking.Asked(account.channel_id, command), timeout_s=FILE_S)
    except (asking.NobodyThere, asking.NoAnswer) as err:
        raise _shut() from err
    if isinstance(answer, asking.Stored):
        return {"blob_id": answer.blob_id, "size": answer.size, "sha256": answer.sha256, "true_type": answer.true_type}
    if isinstance(answer, wire.Failed) and not answer.again:
        raise Refused(_("WhatsApp no longer has this file (%(status)s).", status=answer.error[:200]))
    raise _shut()
