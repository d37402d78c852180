"""What keeps this box from calling a channel's provider, told before anything is filled in: the file and the lines that open the way."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.core.config import NetworkMode, config_file
from appliance.core.i18n import gettext
from appliance.core.outbound import NotAllowed, is_public

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.core.box import Box


@dataclass(frozen=True)
class Wall:
    """`file`: the box's configuration; `lines`: its whole section [network] as it has to be; both empty while the hosts are not known.

    `replaces`: the file has that section already, and takes none twice.
    """

    says: str
    file: str = ""
    lines: str = ""
    replaces: bool = False


def wall_before(box: Box, hosts: Sequence[str]) -> Wall | None:
    """None when the box may call all of them."""
    found = {host: said for host in hosts if host and (said := refusal(box, host))}
    if not found:
        return None
    settings = box.settings.network
    inside = [host for host in hosts if _is_inside(host)]
    outside = [host for host in hosts if host and host not in inside]
    section: dict[str, object] = settings.model_dump(mode="json", exclude_unset=True)
    if outside and settings.mode is NetworkMode.SEALED:
        section["mode"] = NetworkMode.ALLOW_LISTED.value
    if outside:
        section["allowed_hosts"] = _joined(settings.allowed_hosts, outside)
    if inside:
        section["private_hosts"] = _joined(settings.private_hosts, inside)
    lines = ["[network]", *(f"{name} = {json.dumps(value)}" for name, value in section.items())]
    return Wall(next(iter(found.values())), str(config_file()), "\n".join(lines), replaces=_has_section())


def wall_before_anybody(box: Box) -> Wall | None:
    """For a form whose hosts are still to be typed."""
    if box.settings.network.mode is not NetworkMode.SEALED:
        return None
    return Wall(gettext("This box is sealed: it calls nobody outside. Once this is saved, the lines that open the way stand here."))


def _has_section() -> bool:
    try:
        return "network" in tomllib.loads(config_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none, or changed since the start to what cannot be read
        return False


def _joined(open_already: Sequence[str], hosts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((*open_already, *hosts)))


def _is_inside(host: str) -> bool:
    """An address of the company's own network."""
    try:
        return not is_public(host)
    except ValueError:  # a name
        return False


def refusal(box: Box, host: str) -> str:
    """Why this box may not call it, with the setting to change; empty when it may."""
    try:
        box.outbound.check_allowed(host)
    except NotAllowed as err:
        return str(err)
    return ""
