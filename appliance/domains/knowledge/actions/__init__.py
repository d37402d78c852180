"""Writes and use cases. `answer_question` is the door through which agents get their answers."""

from appliance.domains.knowledge.actions.answers import answer_question, draft_answer, stream_answer
from appliance.domains.knowledge.actions.asked import Ask, dismiss_gap, fill_gap, give_feedback, leaves_gap
from appliance.domains.knowledge.actions.documents import (
    Filing,
    check_agents,
    delete_document,
    file_document,
    reindex_all,
    reindex_document,
    take_document,
    upload_document,
)
from appliance.domains.knowledge.actions.indexing import forget_vectors_in, go_on_waiting
from appliance.domains.knowledge.actions.pieces import add_piece, drop_upload
from appliance.domains.knowledge.queries import Scope
from appliance.domains.knowledge.rules.asking import Turn

__all__ = [
    "Ask",
    "Filing",
    "Scope",
    "Turn",
    "add_piece",
    "answer_question",
    "check_agents",
    "delete_document",
    "dismiss_gap",
    "draft_answer",
    "drop_upload",
    "file_document",
    "fill_gap",
    "forget_vectors_in",
    "give_feedback",
    "go_on_waiting",
    "leaves_gap",
    "reindex_all",
    "reindex_document",
    "stream_answer",
    "take_document",
    "upload_document",
]
