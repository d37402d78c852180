"""`salesedge audit`: whether the record of what was done is whole."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.core.ids import NIL
from appliance.entrypoints.terminal import Group, answer, json_option, opened_box

if TYPE_CHECKING:
    from appliance.domains.identity.types import AuditFault

audit = Group("audit", help=lazy_gettext("The record of what was done."))


@audit.command(help=lazy_gettext("Check that no line of the record was changed or removed. Exit code 1 when one was."))
@json_option
def verify(*, as_json: bool) -> None:
    from appliance.domains.identity import jobs

    with opened_box() as box:
        faults = jobs.verify_audit(box)
    told = {"holds": not faults, "faults": [vars(fault) for fault in faults]}
    answer(told, as_json=as_json, sentence="\n".join(map(_line, faults)) or _("Every line of the record holds."))
    sys.exit(1 if faults else 0)


def _line(fault: AuditFault) -> str:
    whose = _("The box") if fault.tenant_id == NIL else _("Organisation %(tenant)s", tenant=fault.tenant_id)
    reason = {"edited": _("changed"), "removed": _("removed")}[fault.reason]
    return _("%(whose)s, line %(line)s: %(reason)s", whose=whose, line=fault.seq, reason=reason)
