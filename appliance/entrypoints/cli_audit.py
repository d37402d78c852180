"""`salesedge audit`: whether the record of what was done is whole."""

from __future__ import annotations

import sys

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.terminal import Group, answer, json_option, opened_box

audit = Group("audit", help=lazy_gettext("The record of what was done."))


@audit.command(help=lazy_gettext("Check that no line of the record was changed or removed. Exit code 1 when one was."))
@json_option
def verify(*, as_json: bool) -> None:
    from appliance.domains.identity import jobs

    with opened_box() as box:
        faults = jobs.verify_audit(box)
    lines = [_("Organisation %(tenant)s, line %(line)s: %(reason)s", tenant=f.tenant_id, line=f.seq, reason=f.reason) for f in faults]
    told = {"holds": not faults, "faults": [vars(fault) for fault in faults]}
    answer(told, as_json=as_json, sentence="\n".join(lines) or _("Every line of the record holds."))
    sys.exit(1 if faults else 0)
