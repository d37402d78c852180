"""What a language model, or the box without one, does for whoever has the word."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call, Schema
from appliance.domains.agents import actions
from appliance.domains.agents.types import FactKind, Language, Mood, Speaker, Summary, Way
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.types import MAX_MAIL
from appliance.inference.types import Inference

api = Api("assisting")
READ, WRITE = "conversations:read", "conversations:write"
RATE = "30/minute"  # a model answers one after the other, customers too


class WishOut(Schema):
    number: int
    text: str
    is_open: bool


class FactOut(Schema):
    kind: FactKind
    text: str
    number: int


class QuotedOut(Schema):
    number: int
    text: str
    speaker: Speaker
    sources: list[str]


class ExcerptOut(Schema):
    """In the conversation's own words; `number` is that of the message. `is_open`: nobody has answered since."""

    since: datetime | None
    wishes: list[WishOut]
    facts: list[FactOut]
    answered: list[QuotedOut]
    promised: list[QuotedOut]


class WrittenOut(Schema):
    topic: str
    wants: str
    promised: list[str]
    open: list[str]
    mood: Mood


class SummaryOut(Schema):
    """`written` by a language model, named in `engine`, only where it read up to the newest message; the excerpt is there always."""

    up_to_number: int
    excerpt: ExcerptOut
    written: WrittenOut | None
    engine: str


class AssistOut(Schema):
    """Whether a language model can be asked to translate, to change the tone and to sum up; if not, why."""

    can_write: bool
    engine: str
    reason: str


class RewriteIn(Schema):
    """`to` is needed for a translation. `conversation_id`: its names are then known to be names."""

    text: str = Field(min_length=1, max_length=MAX_MAIL)
    way: Way
    to: Language | None = None
    conversation_id: UUID | None = None


class TranslateIn(Schema):
    to: Language


class TextOut(Schema):
    text: str


@api.get("/conversations/<uuid:conversation_id>/summary", permission=READ, returns=SummaryOut, summary="What a conversation is about")
def get_summary(uow: UnitOfWork, conversation_id: UUID) -> Summary:
    return actions.read_summary(uow, conversation_id)


@api.post(
    "/conversations/<uuid:conversation_id>/summary", permission=WRITE, returns=SummaryOut, unit=False, limit=RATE,
    summary="Have a language model sum the conversation up, unless it has since the newest message",
)  # fmt: skip
def write_summary(call: Call, conversation_id: UUID) -> Summary:
    return actions.summarise(call.box, call.who.tenant_id, conversation_id)


@api.get("/assist", permission=READ, returns=AssistOut, unit=False, summary="Whether a language model is there to help with writing")
def get_assist(call: Call) -> AssistOut:
    ready = call.box.part(Inference).ready()
    if not ready.can_write:
        return AssistOut(can_write=False, engine="", reason=ready.reason)
    return AssistOut(can_write=True, engine=ready.chat_engine, reason="")


@api.post(
    "/rewrite", permission=WRITE, body=RewriteIn, returns=TextOut, unit=False, limit=RATE,
    summary="Translate a text, or change its tone",
)  # fmt: skip
def rewrite(call: Call, body: RewriteIn) -> TextOut:
    if body.way is Way.TRANSLATE and body.to is None:
        raise Refused(_("Choose the language first."), fields={"to": _("Choose the language first.")})
    with call.unit(read_only=True) as uow:
        names = _names(uow, body.conversation_id, call.who.name)
    return TextOut(text=actions.rewrite(call.box, body.text, body.way, to=body.to or "", names=names))


@api.post(
    "/messages/<uuid:message_id>/translation", permission=WRITE, body=TranslateIn, returns=TextOut, unit=False, limit=RATE,
    summary="A message in another language",
)  # fmt: skip
def translate_message(call: Call, message_id: UUID, body: TranslateIn) -> TextOut:
    with call.unit(read_only=True) as uow:
        message = conversations.get_message(uow, message_id)
        text, names = conversations.text_of(message), _names(uow, message.conversation_id, call.who.name)
    if not text.strip():
        raise Refused(_("There are no words in this message."))
    return TextOut(text=actions.rewrite(call.box, text, Way.TRANSLATE, to=body.to, names=names))


def _names(uow: UnitOfWork, conversation_id: UUID | None, me: str) -> list[str]:
    if conversation_id is None:
        return [me]
    person = contacts.find_contacts(uow, [conversations.get_conversation(uow, conversation_id).contact_id])
    return [me, *(one.name for one in person.values() if one.name)]
