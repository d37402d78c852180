"""Everything that changes a channel, and what comes and goes through it. The caller owns the transaction."""

from appliance.domains.channels.actions.checking import check_connection
from appliance.domains.channels.actions.envelopes import keep_envelopes, read_envelopes
from appliance.domains.channels.actions.erasing import erase_contact
from appliance.domains.channels.actions.receive import confirm_webhook, receive_changes, receive_simulated
from appliance.domains.channels.actions.rejected import keep_rejected, prune_rejected
from appliance.domains.channels.actions.send import note_failure, note_refusal, note_success, take_turn
from appliance.domains.channels.actions.setup import change_channel, create_channel, delete_channel

__all__ = [
    "change_channel",
    "check_connection",
    "confirm_webhook",
    "create_channel",
    "delete_channel",
    "erase_contact",
    "keep_envelopes",
    "keep_rejected",
    "note_failure",
    "note_refusal",
    "note_success",
    "prune_rejected",
    "read_envelopes",
    "receive_changes",
    "receive_simulated",
    "take_turn",
]
