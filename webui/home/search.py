"""What the palette (Ctrl K) finds for a few words."""

from dataclasses import asdict, dataclass

from flask import Response, jsonify, url_for
from pydantic import Field

from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import PageQuery, Schema, current_principal
from appliance.core.web.auth import check_access
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.schemas import ContactOut, ContactsQuery
from appliance.domains.conversations import queries as conversations
from appliance.domains.knowledge import queries as knowledge
from webui.home.pages import pages
from webui.naming import person_name
from webui.navigation import has_endpoint

HITS = 6


class SearchQuery(Schema):
    q: str = Field("", max_length=200)


@dataclass(frozen=True)
class Hit:
    group: str
    label: str
    hint: str
    icon: str
    url: str


@pages.get("/search", query=SearchQuery)
def search(uow: UnitOfWork, query: SearchQuery) -> Response:
    who = check_access(current_principal(), None)
    hits: list[Hit] = []
    if query.q and who.can("contacts:read"):
        hits += _contacts(uow, query.q)
    if query.q and who.can("conversations:read"):
        hits += _messages(uow, query.q)
    if query.q and who.can("knowledge:read") and has_endpoint("knowledge.document"):
        hits += _documents(uow, query.q)
    return jsonify([asdict(hit) for hit in hits])


def _contacts(uow: UnitOfWork, q: str) -> list[Hit]:
    found = contacts.list_contacts(uow, ContactsQuery(q=q, page=1, limit=HITS)).items
    return [
        Hit(_("Contacts"), person_name(one), one.company or one.email or "", "users", url_for("crm.contact", contact_id=one.id))
        for one in map(ContactOut.model_validate, found)
    ]


def _messages(uow: UnitOfWork, q: str) -> list[Hit]:
    found = conversations.search_messages(uow, q, PageQuery(limit=HITS)).items
    people = contacts.find_contacts(uow, {hit.conversation.contact_id for hit in found})
    return [
        Hit(
            _("Messages"),
            "".join(text for text, _hit in hit.parts),
            person_name(ContactOut.model_validate(person)) if (person := people.get(hit.conversation.contact_id)) else "",
            "inbox",
            url_for("inbox.conversation", conversation_id=hit.conversation.id, at=hit.message.number),
        )
        for hit in found
    ]


def _documents(uow: UnitOfWork, q: str) -> list[Hit]:
    found = knowledge.list_documents(uow, q=q, limit=HITS).items
    return [Hit(_("Documents"), one.name, "", "file", url_for("knowledge.document", document_id=one.id)) for one in found]
