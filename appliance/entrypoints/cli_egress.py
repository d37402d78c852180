"""`salesedge egress`: what may leave the box, and what did."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.terminal import Command, Failed, answer, json_option, opened_box, option

if TYPE_CHECKING:
    from appliance.core.config import Settings
    from appliance.core.outbound import Outbound

PURPOSE, RESTED = "egress check", "open"  # what a breaker kept in never left
HTTPS = 443
PORTS = {"https": HTTPS, "http": 80, "postgresql+psycopg": 5432}


@click.command(
    cls=Command,
    help=lazy_gettext("What may leave the box and what did; with a host, whether that one may be called and answers."),
)
@click.argument("host", default="", metavar="[HOST]")
@option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help=lazy_gettext("Port of that host; otherwise the one in the setting that names it, or 443."),
)
@json_option
def egress(host: str, port: int | None, *, as_json: bool) -> None:
    from appliance.core import metrics

    with opened_box() as box:
        network = box.settings.network
        if host:
            _try(box.settings, box.outbound, host, port, as_json=as_json)
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


def _try(settings: Settings, outbound: Outbound, host: str, wanted: int | None, *, as_json: bool) -> None:
    from appliance.core.errors import Unavailable
    from appliance.core.outbound import NotAllowed, vouched

    named = _naming(settings, host)
    port = wanted or (_port_of(next(iter(named.values()))) if named else HTTPS)
    told = {"host": host, "port": port, "ok": True}
    try:
        outbound.connect(PURPOSE, host, port).close()
    except NotAllowed:
        if not named:
            raise
    else:
        answer({**told, "allowed_by": []}, as_json=as_json, sentence=_("%(host)s may be called and answers.", host=host))
        return
    names = ", ".join(named)
    try:
        vouched(settings.network, next(iter(named.values()))).connect(PURPOSE, host, port).close()
    except NotAllowed as err:
        told_why = {"refusal": err, "settings": names}
        raise Failed(_("%(refusal)s That it stands in %(settings)s is enough where it leads to a private address.", **told_why)) from err
    except Unavailable as err:
        raise Failed(_("%(host)s may be called, since it stands in %(settings)s, but does not answer.", host=host, settings=names)) from err
    sentence = _("%(host)s may be called, since it stands in %(settings)s, and answers.", host=host, settings=names)
    answer({**told, "allowed_by": [*named]}, as_json=as_json, sentence=sentence)


def _naming(settings: Settings, host: str) -> dict[str, str]:
    """The settings in which the operator named this host for the box to call, and what stands there."""
    from appliance.inference.bench import REMOTE

    models, told = settings.models, settings.telemetry
    stands = [("models.chat_url", address) for address in models.chat_url if models.chat_engine in REMOTE]
    stands += [("telemetry.otlp_endpoint", told.otlp_endpoint), ("telemetry.logs_endpoint", told.logs_endpoint)]
    stands += [("telemetry.sentry_dsn_file", told.sentry_dsn), ("files.endpoint", settings.files.endpoint)]
    stands += [("knowledge.vectors_url", settings.knowledge.vectors_url)]
    found: dict[str, str] = {}
    for setting, address in stands:
        if address and urlsplit(address).hostname == host.lower():
            found.setdefault(setting, address)
    return found


def _port_of(address: str) -> int:
    parts = urlsplit(address)
    return parts.port or PORTS[parts.scheme]
