"""Calls that nobody answered, as lines of the chat: a call itself is left to the telephone."""

from typing import Any

from appliance.domains.channels.gateways.qr import driver_messages, wire

MOST_RINGING = 100
TAKEN = frozenset({"accepted_elsewhere", "rejected_elsewhere"})  # on the telephone, by who has it in the hand


class Calls:
    """Those that ring now; told when the caller gives up."""

    def __init__(self) -> None:
        self._ringing: dict[str, bool] = {}  # whether with a picture

    def rings(self, said: Any) -> None:
        if len(self._ringing) >= MOST_RINGING:
            del self._ringing[next(iter(self._ringing))]
        self._ringing[said.basicCallMeta.callID] = any(part.Tag == "video" for part in said.data.Nodes)

    def ended(self, said: Any, me: str) -> wire.Message | None:
        about = said.basicCallMeta
        with_video = self._ringing.pop(about.callID, None)
        caller = driver_messages.text_of(about.callCreator)
        if with_video is None or said.reason in TAKEN or caller in ("", me):
            return None
        key = wire.Key(caller, about.callID, remote_jid_alt=driver_messages.text_of(about.callCreatorAlt))
        return wire.Message(key, "", driver_messages.moment(about.timestamp), *driver_messages.call(with_video=with_video))
