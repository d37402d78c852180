"""The phone-like pane in the pages: there is no outside, so what is sent has arrived."""

from appliance.domains.channels.types import Sent
from appliance.domains.conversations.types import Outgoing


class SimulatorTransport:
    def send(self, message: Outgoing) -> Sent:
        return Sent(f"sim-{message.client_id}", delivered=True)
