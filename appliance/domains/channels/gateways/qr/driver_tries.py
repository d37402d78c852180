"""What became of each message that was to be sent: asked twice, it is told twice and sent once."""

from pathlib import Path

from appliance.domains.channels.gateways.qr import driver_store, wire
from appliance.domains.channels.gateways.qr.driver_store import LATEST, secret_of

# what the library says when a stanza may be on its way; whatever else it says, it said before
UNCERTAIN = ("timed out waiting for message send", "disconnected before message send", "failed to send message node", "context ")
REFUSED = ("server returned error", "unknown server")
FOR_NOW = ("error 429", "error 500", "error 503")


class Tries:
    """Make it before the library opens the store."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._left = driver_store.ids_by_secret(store)
        self._sent: dict[str, wire.Sent] = {}

    def earlier(self, send: wire.Send) -> wire.Sent | wire.Failed | None:
        """The answer to a message that is not to be sent, or not again."""
        if send.id in self._sent:
            return self._sent[send.id]
        before = self._left.get(secret_of(send.id), "")
        if not before or send.anyway:
            return None
        return wire.Failed(send.id, "an earlier try may have left", may_have_left=True, provider_id=before)

    def sent(self, send: wire.Send, provider_id: str, at: int) -> wire.Sent:
        answer = self._sent[send.id] = wire.Sent(send.id, provider_id, at)
        if len(self._sent) > LATEST:
            del self._sent[next(iter(self._sent))]
        return answer

    def failed(self, send: wire.Send, error: str) -> wire.Failed:
        """The library keeps the id before it encrypts; only its last step puts the message on the way."""
        refused = any(sign in error for sign in REFUSED)
        uncertain = not refused and any(sign in error for sign in UNCERTAIN)
        at = driver_store.id_of(self._store, secret_of(send.id), forget=not uncertain)
        if at and uncertain:
            self._left[secret_of(send.id)] = at
            return wire.Failed(send.id, error[:500], may_have_left=True, provider_id=at)
        return wire.Failed(send.id, error[:500], again=not refused or any(sign in error for sign in FOR_NOW))
