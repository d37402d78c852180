"""`salesedge people`: a way in for who lost theirs, and an address back to its owner. Each change is a line in the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from appliance.core.i18n import gettext as _
from appliance.entrypoints.terminal import answer, json_option, opened_box

if TYPE_CHECKING:
    from appliance.domains.identity.queries import Known


@click.group()
def people() -> None:
    """List people, invite them, give them a new password, free an address."""


@people.command("list")
@click.option("--search", default="", help="Part of a name or an e-mail.")
@json_option
def list_(search: str, *, as_json: bool) -> None:
    """Who the box knows, and where they belong."""
    from appliance.domains.identity import queries

    with opened_box() as box, box.whole_box("people at the console", read_only=True) as uow:
        found = queries.list_people(uow, search=search)
    if as_json:
        click.echo(json.dumps([_told(known) for known in found], ensure_ascii=False, default=str))
        return
    for known in found:
        click.echo(_line(known))


@people.command()
@click.argument("email")
@click.option("--organisation", required=True, help="Short name of the organisation.")
@click.option("--role", default="agent", show_default=True)
@json_option
def invite(email: str, organisation: str, role: str, *, as_json: bool) -> None:
    """Print a new invitation link, good once and for three days."""
    from appliance.domains.identity import actions

    with opened_box() as box:
        made = actions.invite_from_console(box, email=email, slug=organisation, role=role)
        link = f"{box.settings.public_url}/join/{made.token}"
    answer({"email": made.invitation.email, "link": link}, as_json=as_json, sentence=link)


@people.command("reset-password")
@click.argument("email")
@json_option
def reset_password(email: str, *, as_json: bool) -> None:
    """Print a new password and end every session of the person."""
    from appliance.domains.identity import actions

    with opened_box() as box:
        password = actions.reset_password(box, email)
    sentence = _("New password of %(email)s: %(password)s", email=email, password=password)
    answer({"email": email, "password": password}, as_json=as_json, sentence=sentence)


@people.command()
@click.argument("email")
@click.confirmation_option(prompt="Whoever uses this address now loses their account. Go on?")
@json_option
def release(email: str, *, as_json: bool) -> None:
    """Free an address that somebody registered who does not own it."""
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
