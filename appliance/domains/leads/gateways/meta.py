"""A lead of Meta's, read by its id: https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving"""

from http import HTTPStatus
from typing import Any

from appliance.core.box import Box
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import TransportFailed, object_of

FIELDS = "id,created_time,ad_id,ad_name,campaign_name,form_id,platform,is_organic,field_data"
_LATER = frozenset({1, 2, 4, 17, 32, 613})  # outages and limits of calls


def fetch_lead(box: Box, access_token: str, leadgen_id: str) -> dict[str, Any]:
    """Raises Unavailable when it may be read later, Refused when not with this token."""
    address = f"{box.settings.channels.graph_url.rstrip('/')}/{leadgen_id}"
    with box.outbound.client("meta_leads") as client:
        try:
            answer = client.get(address, params={"fields": FIELDS}, headers={"Authorization": f"Bearer {access_token}"})
        except TransportFailed as err:
            raise Unavailable(_("Meta broke off while handing over a lead.")) from err
    found = object_of(answer.content)
    if answer.status_code == HTTPStatus.OK and isinstance(found.get("field_data"), list):
        return found
    said = found.get("error")
    error: dict[str, Any] = said if isinstance(said, dict) else {}
    code = error.get("code", answer.status_code)
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _LATER:
        raise Unavailable(_("Meta does not hand over leads right now (code %(code)s).", code=code))
    raise Refused(_("Meta does not hand over this lead (code %(code)s): %(said)s", code=code, said=str(error.get("message", ""))[:200]))
