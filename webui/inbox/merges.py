"""Lines of a thread about who became one contact, and who is two again: they name both, as both are called now."""

from collections.abc import Sequence
from uuid import UUID

from markupsafe import Markup, escape

from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations.schemas import MessageOut
from webui.naming import person_name

EVENTS = {
    "merged": _("%(gone)s became part of %(kept)s"),
    "parted": _("%(gone)s and %(kept)s are two contacts again"),
}


def told(uow: UnitOfWork, messages: Sequence[MessageOut]) -> dict[UUID, Markup]:
    """The words of each such line, by the id of its message."""
    lines = {message.id: message.content for message in messages if message.content.get("event") in EVENTS}
    ids = {UUID(said[one]) for said in lines.values() for one in ("kept_id", "gone_id")}
    people = contacts.find_with_merged(uow, ids) if ids else {}

    def name(contact_id: str) -> str:
        return person_name(people.get(UUID(contact_id)))

    return {
        line: escape(" · ".join(filter(None, [_words(said["event"], name(said["kept_id"]), name(said["gone_id"])), said.get("by")])))
        for line, said in lines.items()
    }


def _words(event: str, kept: str, gone: str) -> str:
    return str(EVENTS[event]) % {"kept": kept, "gone": gone}
