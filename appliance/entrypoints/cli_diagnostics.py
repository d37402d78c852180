"""`salesedge diagnostics`: one file for whoever helps. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext, reason_of
from appliance.entrypoints.terminal import Command, Failed, answer, json_option, option, read_settings

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.config import Settings

_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command(cls=Command, help=lazy_gettext("Write how the box is into one file, without secrets and personal data."))
@option("--out", required=True, type=_OUT, metavar=lazy_gettext("FILE"), help=lazy_gettext("The ZIP file to write; none is replaced."))
@json_option
def diagnostics(out: Path, *, as_json: bool) -> None:
    from appliance.core.diagnostics import bundle
    from appliance.entrypoints.doctor import examine

    settings, out = read_settings(), out.resolve()
    findings = examine(settings)
    box = _open(settings)
    try:
        made = bundle(settings, findings, box)
    finally:
        if box is not None:
            box.close()
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made)
    except OSError as err:
        raise Failed(_("%(path)s cannot be written: %(why)s.", path=out, why=reason_of(err))) from err
    told = {"file": str(out), "bytes": len(made)}
    answer(told, as_json=as_json, sentence=_("%(path)s is written. Look into it before you send it.", path=out))


def _open(settings: Settings) -> Box | None:
    from sqlalchemy.exc import SQLAlchemyError

    from appliance.core.crypto import KeyUnreadable
    from appliance.entrypoints.boot import boot

    try:
        return boot("diagnostics", settings)
    except (KeyUnreadable, SQLAlchemyError):
        return None
