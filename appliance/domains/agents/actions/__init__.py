"""Writes, and the reply pipeline. The caller owns the transaction, except where a function says that it asks models."""

from appliance.domains.agents.actions.compose import Asking, ask_documents, compose
from appliance.domains.agents.actions.lifecycle import (
    change_agent,
    create_agent,
    delete_agent,
    publish,
    roll_back,
)
from appliance.domains.agents.actions.turns import begin_turn, carry_out

__all__ = [
    "Asking",
    "ask_documents",
    "begin_turn",
    "carry_out",
    "change_agent",
    "compose",
    "create_agent",
    "delete_agent",
    "publish",
    "roll_back",
]
