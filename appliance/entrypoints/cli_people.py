"""`salesedge people`: a way in for who lost theirs, and an address back to its owner. Each change is a line in the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.terminal import NAMED, Group, answer, ask_for_leave, json_option, opened_box, option

if TYPE_CHECKING:
    from appliance.domains.identity.queries import Known


people = Group("people", help=lazy_gettext("People: invitations, new passwords, addresses given back."))


@people.command("list", help=lazy_gettext("Who the box knows, and where they belong."))
@option("--search", default="", metavar=lazy_gettext("TEXT"), help=lazy_gettext("Part of a name or an e-mail."))
@json_option
def list_(search: str, *, as_json: bool) -> None:
    from appliance.domains.identity import queries

    with opened_box() as box, box.whole_box("people at the console", read_only=True) as uow:
        found = queries.list_people(uow, search=search)
    if as_json:
        click.echo(json.dumps([_told(known) for known in found], ensure_ascii=False, default=str))
        return
    for known in found:
        click.echo(_line(known))


@people.command(help=lazy_gettext("Print a new invitation link, good once and for three days."))
@click.argument("email", metavar="E-MAIL")
@option("--organisation", required=True, metavar=NAMED, help=lazy_gettext("Short name of the organisation."))
@option("--role", default="agent", show_default=True, metavar=NAMED, help=lazy_gettext("What they may do."))
@json_option
def invite(email: str, organisation: str, role: str, *, as_json: bool) -> None:
    from appliance.domains.identity import actions

    with opened_box() as box:
        made = actions.invite_from_console(box, email=email, slug=organisation, role=role)
        link = f"{box.settings.public_url}/join/{made.token}"
    answer({"email": made.invitation.email, "link": link}, as_json=as_json, sentence=link)


@people.command("reset-password", help=lazy_gettext("Print a new password and end every session of the person."))
@click.argument("email", metavar="E-MAIL")
@json_option
def reset_password(email: str, *, as_json: bool) -> None:
    from appliance.domains.identity import actions

    with opened_box() as box:
        password = actions.reset_password(box, email)
    sentence = _("New password of %(email)s: %(password)s", email=email, password=password)
    answer({"email": email, "password": password}, as_json=as_json, sentence=sentence)


@people.command(help=lazy_gettext("Free an address that somebody registered who does not own it."))
@click.argument("email", metavar="E-MAIL")
@option("--yes", "agreed", is_flag=True, help=lazy_gettext("Do not ask first."))
@json_option
def release(email: str, *, agreed: bool, as_json: bool) -> None:
    if not agreed:
        ask_for_leave(_("Whoever uses this address now loses their account. Go on?"))
    from appliance.domains.identity import actions

    with opened_box() as box:
        actions.release_address(box, email)
    answer({"released": email}, as_json=as_json, sentence=_("%(email)s is free. Whoever it belongs to can be invited now.", email=email))


def _told(known: Known) -> dict[str, object]:
    places = [{"organisation": slug, "role": role} for slug, role in known.places]
    return {
        "id": known.id, "email": known.email, "name": known.name, "is_operator": known.is_operator, "is_active": known.is_active,
        "last_login_at": known.last_login_at, "places": places,
    }  # fmt: skip


def _line(known: Known) -> str:
    places = ", ".join(f"{slug} ({role})" for slug, role in known.places) or "-"
    marks = ("*" if known.is_operator else " ") + (" " if known.is_active else "x")
    return f"{marks} {known.email}  {known.name}  {places}"
