"""What a person in the inbox could answer."""

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

from flask import Response

from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Api, Call, Schema, event_stream
from appliance.domains.agents import actions, queries
from appliance.domains.agents.schemas import SuggestionOut
from appliance.domains.agents.types import Found, Situation

api = Api("suggesting")


class SuggestIn(Schema):
    """`stream`: server-sent events, each with all of the text that may be shown so far; the last is `done`."""

    stream: bool = False


class _Growing(SuggestionOut):
    done: bool


class _Failed(Schema):
    detail: str


@api.post(
    "/conversations/<uuid:conversation_id>/suggest", permission="conversations:write", body=SuggestIn, returns=SuggestionOut, unit=False,
    summary="An answer from the documents for a person to send, change or drop",
)  # fmt: skip
def suggest(call: Call, conversation_id: UUID, body: SuggestIn) -> SuggestionOut | Response:
    with call.unit(read_only=True) as uow:
        situation = queries.read_open_question(uow, conversation_id)
    if situation is None:
        raise Refused(_("The customer has asked nothing that could be answered in words."))
    if body.stream:
        return event_stream(_lines(call, situation))
    return SuggestionOut(**_told(actions.suggest(call.box, call.who.tenant_id, situation)))


def _lines(call: Call, situation: Situation) -> Iterator[str]:
    """Closing this (the caller left or said stop) stops the model."""
    found = None
    try:
        with closing(actions.suggest_aloud(call.box, call.who.tenant_id, situation)) as growing:
            for found in growing:
                yield _line(_Growing(**_told(found), done=False)) if found.text else ": reading\n\n"
        if found is not None:
            yield _line(_Growing(**_told(found), done=True))
    except DomainError as err:
        yield _line(_Failed(detail=str(err)))


def _line(said: Schema) -> str:
    return f"data: {said.model_dump_json()}\n\n"


def _told(found: Found) -> dict[str, object]:
    return {
        "text": found.text if found.answered else "", "confident": found.confident, "confidence": found.confidence,
        "sources": [dict(source) for source in found.sources], "engine": found.engine,
    }  # fmt: skip
