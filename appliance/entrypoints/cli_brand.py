"""`salesedge brand`: the brand of the box, or with --organisation of one on it. What it changes is live at once and can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.core.ids import NIL
from appliance.entrypoints.terminal import Failed, Group, answer, json_option, opened_box, option

if TYPE_CHECKING:
    from uuid import UUID

    from appliance.core.uow import UnitOfWork

_IN = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)
_FILE = lazy_gettext("FILE")
_SLUG = lazy_gettext("SHORT-NAME")
_WHOSE = option("--organisation", default="", metavar=_SLUG, help=lazy_gettext("One organisation's brand; the box's when left out."))

brand = Group("brand", help=lazy_gettext("Show, import, export and reset the brand."))


@brand.command(help=lazy_gettext("What people see: the own brand, completed by the box's."))
@_WHOSE
@json_option
def show(organisation: str, *, as_json: bool) -> None:
    from appliance.domains.branding import queries

    with opened_box() as box, box.whole_box("brand at the terminal", read_only=True) as uow:
        tenant_id = _tenant(uow, organisation)
        look = queries.get_look(uow, tenant_id).model_dump(mode="json", exclude_defaults=True)
        look |= {"domain": domain} if (domain := queries.get_brands(uow, tenant_id).domain) else {}
    answer(look, as_json=as_json, sentence="\n".join(f"{name}: {value}" for name, value in look.items()) or _("There is no brand yet."))


@brand.command("import", help=lazy_gettext("Take a brand pack. A bad one changes nothing."))
@click.argument("file", metavar=_FILE, type=_IN)
@_WHOSE
@option("--signed-by", default="", metavar=lazy_gettext("FINGERPRINT"), help=lazy_gettext("Refuse a pack that this key did not sign."))
@json_option
def import_(file: Path, organisation: str, signed_by: str, *, as_json: bool) -> None:
    from appliance.domains.branding import actions

    with opened_box() as box:
        content = file.read_bytes()
        with box.whole_box("brand at the terminal") as uow:
            actions.import_pack(uow, _tenant(uow, organisation), content, signed_by=signed_by)
    answer({"imported": file.name}, as_json=as_json, sentence=_("The brand is live."))


@brand.command(help=lazy_gettext("Write the own brand into a pack."))
@click.argument("file", metavar=_FILE, type=_OUT)
@_WHOSE
@option("--sign-with", default=None, metavar=_FILE, type=_IN, help=lazy_gettext("Ed25519 private key in PEM to sign it with."))
@json_option
def export(file: Path, organisation: str, sign_with: Path | None, *, as_json: bool) -> None:
    from appliance.core.i18n import reason_of
    from appliance.domains.branding import actions, queries

    with opened_box() as box, box.whole_box("brand at the terminal", read_only=True) as uow:
        pack = queries.export_pack(uow, _tenant(uow, organisation), sign_with.read_bytes() if sign_with else b"")
    try:
        file.write_bytes(pack)
    except OSError as err:
        raise Failed(f"{file}: {reason_of(err)}") from err
    _manifest, _pictures, signer = actions.read_pack(pack)
    said = _("%(file)s is signed by %(signer)s.", file=file, signer=signer) if signer else _("%(file)s is written.", file=file)
    answer({"file": str(file), "signer": signer}, as_json=as_json, sentence=said)


@brand.command(help=lazy_gettext("Inherit everything again. `salesedge brand undo` brings back what was."))
@_WHOSE
@json_option
def reset(organisation: str, *, as_json: bool) -> None:
    from appliance.domains.branding import actions

    with opened_box() as box, box.whole_box("brand at the terminal") as uow:
        actions.reset(uow, _tenant(uow, organisation))
    answer({"reset": True}, as_json=as_json, sentence=_("The brand is reset."))


@brand.command(help=lazy_gettext("Back to the brand before this one."))
@_WHOSE
@json_option
def undo(organisation: str, *, as_json: bool) -> None:
    from appliance.domains.branding import actions

    with opened_box() as box, box.whole_box("brand at the terminal") as uow:
        actions.undo(uow, _tenant(uow, organisation))
    answer({"undone": True}, as_json=as_json, sentence=_("It is as it was before."))


def _tenant(uow: UnitOfWork, slug: str) -> UUID:
    from appliance.domains.identity import queries

    if not slug:
        return NIL
    found = queries.find_tenant_by_slug(uow, slug)
    if found is None:
        raise Failed(_("There is no organisation with the short name %(name)s.", name=slug))
    return found.id
