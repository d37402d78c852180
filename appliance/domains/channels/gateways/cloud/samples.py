"""A file handed to Meta as an example, by its resumable uploads: a session, then the bytes, then a handle that names them.

https://developers.facebook.com/docs/graph-api/guides/upload
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import TransportFailed, object_of
from appliance.domains.channels.gateways.cloud.asking import TEMPLATES, ask_for, refusal_of, template_refused

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.domains.channels.types import Account, Sample

_SESSION = re.compile(r"upload:[\w=+.:-]{1,400}(\?sig=[\w=+.-]{1,200})?")  # it becomes part of an address


def hand_up(box: Box, account: Account, sample: Sample) -> str:
    """The handle by which a template names the file. Raises Refused with Meta's words, Unavailable when it did not get there."""
    wanted = {"file_length": str(sample.size), "file_type": sample.mime_type, "file_name": sample.filename[:100] or "file"}
    session = str(ask_for(box, account, "POST", "app/uploads", query=wanted).get("id", ""))
    if not _SESSION.fullmatch(session):
        raise Unavailable(_("WhatsApp did not say where the file is to go. Try again."))
    content = box.blobs.read_all(account.tenant_id, sample.blob_id)
    headers = {"Authorization": f"OAuth {account.secrets.get('access_token', '')}", "file_offset": "0"}
    address = f"{box.settings.channels.graph_url.rstrip('/')}/{session}"
    with box.outbound.client(TEMPLATES, timeout_s=60, within_s=600) as client:
        try:
            response = client.post(address, content=content, headers=headers)
        except TransportFailed as err:
            raise Unavailable(_("The file could not be handed to WhatsApp.")) from err
    answer = object_of(response.content)
    if response.status_code != HTTPStatus.OK or not answer.get("h"):
        raise refusal_of(response.status_code, answer, template_refused)
    return str(answer["h"])
