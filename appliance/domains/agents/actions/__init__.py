"""Writes, and the reply pipeline. The caller owns the transaction, except where a function says that it asks models."""

from appliance.domains.agents.actions.assisting import keep_summary, read_summary, rewrite, summarise, write_summary
from appliance.domains.agents.actions.compose import (
    Asking,
    ask_documents,
    ask_documents_aloud,
    compose,
    compose_aloud,
    suggest,
    suggest_aloud,
)
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
from appliance.domains.agents.actions.trying import suggest_questions
from appliance.domains.agents.actions.turns import begin_turn, carry_out, leave_to_person, read_message, resume_turn

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
    "keep_summary",
    "leave_to_person",
    "publish",
    "read_message",
    "read_summary",
    "remove_question",
    "resume_turn",
    "rewrite",
    "roll_back",
    "start_evaluation",
    "suggest",
    "suggest_aloud",
    "suggest_questions",
    "summarise",
    "write_summary",
]
