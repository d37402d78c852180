"""`salesedge tenants`: the organisations on this box. Each change is a line in the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.terminal import NAMED, Failed, Group, answer, json_option, opened_box, option, said_of

if TYPE_CHECKING:
    from appliance.domains.identity.queries import Housed

tenants = Group("tenants", help=lazy_gettext("Organisations: list, create, suspend, resume."))


@tenants.command("list", help=lazy_gettext("The organisations on this box, and how many people each has."))
@json_option
def list_(*, as_json: bool) -> None:
    from appliance.domains.identity import queries

    found: list[Housed] = []
    with opened_box() as box, box.whole_box("organisations at the console", read_only=True) as uow:
        while page := queries.list_housed(uow, after=found[-1].slug if found else ""):
            found += page
    if as_json:
        click.echo(json.dumps([vars(one) for one in found], ensure_ascii=False, default=str))
        return
    for one in found:
        click.echo(_line(one))


@tenants.command(help=lazy_gettext("Make an organisation and print the link its owner joins by, good for three days."))
@click.argument("name", metavar=NAMED)
@option("--owner", required=True, metavar="E-MAIL", help=lazy_gettext("Who is invited as its owner."))
@option("--slug", default=None, metavar=NAMED, help=lazy_gettext("Short name; made of the name when left out."))
@option("--locale", default="pt_BR", show_default=True, metavar=NAMED, help=lazy_gettext("Language of the organisation."))
@option("--timezone", default="America/Sao_Paulo", show_default=True, metavar=NAMED, help=lazy_gettext("Its time zone."))
@json_option
def create(name: str, owner: str, slug: str | None, locale: str, timezone: str, *, as_json: bool) -> None:
    from pydantic import ValidationError

    from appliance.domains.identity import actions, schemas

    try:
        wanted = schemas.TenantIn(name=name, slug=slug, locale=locale, timezone=timezone, owner_email=owner)
    except ValidationError as err:
        raise Failed(said_of(err)) from err
    with opened_box() as box:
        made = actions.create_from_console(box, wanted)
        link = f"{box.settings.public_url}/join/{made.invited.token}"
    told = {"id": made.tenant_id, "slug": made.slug, "owner": made.invited.invitation.email, "link": link}
    answer(told, as_json=as_json, sentence=f"{made.slug}\n{link}")


@tenants.command(help=lazy_gettext(
    "Suspend an organisation: nothing of it leaves the box, nobody of it comes in, and what it receives is kept."
))  # fmt: skip
@click.argument("slug", metavar=NAMED)
@json_option
def suspend(slug: str, *, as_json: bool) -> None:
    _put(slug, "suspended", _("%(slug)s is suspended.", slug=slug), as_json=as_json)


@tenants.command(help=lazy_gettext("Open a suspended organisation again: what waited goes on."))
@click.argument("slug", metavar=NAMED)
@json_option
def resume(slug: str, *, as_json: bool) -> None:
    _put(slug, "active", _("%(slug)s is open.", slug=slug), as_json=as_json)


def _put(slug: str, status: str, sentence: str, *, as_json: bool) -> None:
    from appliance.domains.identity import actions
    from appliance.domains.identity.types import TenantStatus

    with opened_box() as box:
        actions.put_status(box, slug, TenantStatus(status))
    answer({"slug": slug, "status": status}, as_json=as_json, sentence=sentence)


def _line(one: Housed) -> str:
    since = "  " + _("suspended since %(day)s", day=f"{one.suspended_at.astimezone():%Y-%m-%d}") if one.suspended_at else ""
    return f"{'x' if since else ' '} {one.slug}  {one.name}  {one.people}{since}"
