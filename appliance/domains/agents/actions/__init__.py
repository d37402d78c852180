"""Writes, and the reply pipeline. The caller owns the transaction, except where a function says that it asks models."""

from appliance.domains.agents.actions.compose import Asking, ask_documents, ask_documents_aloud, compose, compose_aloud, suggest
from appliance.domains.agents.actions.evaluating import (
    add_question,
    ask_question,
    change_question,
    keep_results,
    remove_question,
    start_evaluation,
)
from appliance.domains.agents.actions.lifecycle import (
    change_agent,
    create_agent,
    create_from_template,
    delete_agent,
    publish,
    roll_back,
)
from appliance.domains.agents.actions.turns import begin_turn, carry_out

__all__ = [
    "Asking",
    "add_question",
    "ask_documents",
    "ask_documents_aloud",
    "ask_question",
    "begin_turn",
    "carry_out",
    "change_agent",
    "change_question",
    "compose",
    "compose_aloud",
    "create_agent",
    "create_from_template",
    "delete_agent",
    "keep_results",
    "publish",
    "remove_question",
    "roll_back",
    "start_evaluation",
    "suggest",
]
