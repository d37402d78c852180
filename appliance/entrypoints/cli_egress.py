"""`salesedge egress`: what may leave the box, and what did."""

from __future__ import annotations

import click

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.terminal import Command, answer, json_option, opened_box, option

PURPOSE, RESTED = "egress check", "open"  # what a breaker kept in never left


@click.command(
    cls=Command,
    help=lazy_gettext("What may leave the box and what did; with a host, whether that one may be called and answers."),
)
@click.argument("host", default="", metavar="[HOST]")
@option("--port", default=443, show_default=True, type=click.IntRange(1, 65535), metavar="N", help=lazy_gettext("Port of that host."))
@json_option
def egress(host: str, port: int, *, as_json: bool) -> None:
    from appliance.core import metrics

    with opened_box() as box:
        network = box.settings.network
        if host:
            box.outbound.connect(PURPOSE, host, port).close()
            answer({"host": host, "port": port, "ok": True}, as_json=as_json, sentence=_("%(host)s may be called and answers.", host=host))
            return
        counted = metrics.counted(metrics.OUTBOUND)
        calls = {named: number for named, number in counted.items() if named[1] != RESTED}
    told = {
        "mode": network.mode, "allowed_hosts": network.allowed_hosts, "private_hosts": network.private_hosts,
        "calls": [{"purpose": purpose, "outcome": outcome, "count": int(count)} for (purpose, outcome), count in calls.items()],
    }  # fmt: skip
    lines = [
        _("Network mode: %(mode)s", mode=network.mode),
        _("Hosts on the list: %(hosts)s", hosts=", ".join(network.allowed_hosts) or "-"),
        _("Own hosts on private networks: %(hosts)s", hosts=", ".join(network.private_hosts) or "-"),
        _("Calls counted on this machine:") if calls else _("No call was counted on this machine."),
        *(f"  {purpose}  {outcome}  {count:.0f}" for (purpose, outcome), count in calls.items()),
    ]
    answer(told, as_json=as_json, sentence="\n".join(lines))
