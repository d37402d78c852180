"""Two people editing one contact: the second is told, instead of undoing the first (RFC 9110, 13.1.1)."""

from flask import Response, after_this_request, request

from appliance.domains.contacts.errors import StaleContact
from appliance.domains.contacts.tables import Contact


def tagged(contact: Contact) -> Contact:
    tag = str(contact.version)

    @after_this_request
    def name_version(response: Response) -> Response:
        response.set_etag(tag)
        return response

    return contact


def expected_version() -> int | None:
    """From If-Match; None when any version will do. Raises StaleContact for a tag we never gave."""
    if not request.if_match or request.if_match.star_tag:
        return None
    tags = [tag for tag in request.if_match.as_set() if tag.isascii() and tag.isdigit()]
    if not tags:
        raise StaleContact
    return int(tags[0][:9])
