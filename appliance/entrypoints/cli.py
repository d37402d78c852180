"""`salesedge`: what an operator does at the terminal. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance import __version__
from appliance.core import i18n
from appliance.core.config import Settings
from appliance.core.i18n import gettext as _
from appliance.entrypoints.cli_models import models
from appliance.entrypoints.cli_people import people
from appliance.entrypoints.terminal import Failed, answer, json_option, open_the_box, opened_box, read_settings

if TYPE_CHECKING:
    from appliance.core.box import Box


@click.group()
@click.version_option(__version__)
def cli() -> None:
    """SalesEdge: your own sales and service AI, on your own hardware."""
    i18n.use_locale(os.environ.get("LANG", "") or "pt-BR")


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--host", help="Address to listen on.")
@click.option("--demo", "with_demo", is_flag=True, help="Load the demo company.")
def up(port: int | None, host: str | None, *, with_demo: bool) -> None:
    """Run the whole box in the foreground."""
    if port:
        os.environ["SALESEDGE__SERVER__PORT"] = str(port)
    if host:
        os.environ["SALESEDGE__SERVER__HOST"] = host
    settings = read_settings()
    from appliance.entrypoints import boot  # noqa: F401 - imported once here, shared by every child
    from appliance.entrypoints import up as supervisor

    sys.exit(supervisor.run(settings, when_ready=lambda: _announce(settings, with_demo=with_demo)))


def _announce(settings: Settings, *, with_demo: bool) -> None:
    with opened_box() as box:
        if with_demo:
            from appliance.entrypoints import demo as seeds

            seeds.load(box)
        code = _setup_code(box)
    click.echo(_("SalesEdge is ready at %(address)s", address=settings.public_url))
    if code:
        address = f"{settings.public_url}/setup"
        click.echo(_("First time here? Open %(address)s and enter the one-time code %(code)s", address=address, code=code))


def _setup_code(box: Box) -> str | None:
    from appliance.domains.identity import actions

    return actions.create_setup_code(box)


@cli.command()
@click.option("--email", required=True)
@click.option("--password-file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant", required=True, help="Name of the first organisation.")
@click.option("--name", default="", help="Name of the first person.")
@json_option
def setup(email: str, password_file: Path, tenant: str, name: str, *, as_json: bool) -> None:
    """First-run set-up without the page."""
    from appliance.domains.identity import actions
    from appliance.domains.identity.types import Setup

    with opened_box(migrate_first=True) as box:
        password = password_file.read_text().strip()
        person = name or email.partition("@")[0]
        made = actions.set_up_from_console(box, Setup(email=email, password=password, person=person, tenant=tenant))
    result = {"tenant_id": made.id, "tenant": made.name, "email": email}
    answer(result, as_json=as_json, sentence=_("Done. Sign in as %(email)s.", email=email))


@cli.command("setup-code")
@json_option
def setup_code(*, as_json: bool) -> None:
    """Print a new one-time code for the set-up page."""
    with opened_box() as box:
        code = _setup_code(box)
    if code is None:
        raise Failed(_("This box is already set up."))
    answer({"code": code}, as_json=as_json, sentence=code)


@cli.command()
@json_option
def migrate(*, as_json: bool) -> None:
    """Bring the database to this release."""
    open_the_box(migrate_first=True).close()
    answer({"migrated": True}, as_json=as_json, sentence=_("The database is current."))


@cli.command()
@json_option
def status(*, as_json: bool) -> None:
    """Is everything well? Exit code 1 when something needed is not."""
    from appliance.core.web.health import run_checks

    with opened_box() as box:
        results = run_checks(box)
    report = {name: {"ok": result.ok, "detail": result.detail, "fix": result.fix} for name, result in results.items()}
    answer(report, as_json=as_json, sentence="\n".join(_line(name, r.detail, r.fix, ok=r.ok) for name, r in results.items()))
    sys.exit(0 if all(result.ok for result in results.values()) else 1)


@cli.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Check everything this box needs and say how to mend what is wrong."""
    from appliance.entrypoints.doctor import examine

    findings = examine(read_settings())
    report = {f.name: {"ok": f.ok, "detail": f.detail, "fix": f.fix} for f in findings}
    answer(report, as_json=as_json, sentence="\n".join(_line(f.name, f.detail, str(f.fix), ok=f.ok) for f in findings))
    sys.exit(0 if all(f.ok for f in findings) else 1)


@cli.group()
def demo() -> None:
    """The demo company: documents, an agent, conversations."""


@demo.command("load")
@json_option
def demo_load(*, as_json: bool) -> None:
    """Add the demo company to a running box."""
    from appliance.entrypoints import demo as seeds

    with opened_box() as box:
        tenant = seeds.load(box)
    answer({"tenant_id": tenant.id, "tenant": tenant.name}, as_json=as_json, sentence=_("%(name)s is here.", name=tenant.name))


@demo.command("remove")
@json_option
def demo_remove(*, as_json: bool) -> None:
    """Remove the demo company and nothing else."""
    from appliance.entrypoints import demo as seeds

    with opened_box() as box:
        gone = seeds.remove(box)
    answer({"removed": gone}, as_json=as_json, sentence=_("The demo is gone.") if gone else _("There is no demo on this box."))


def _line(name: str, detail: str, fix: str, *, ok: bool) -> str:
    """Checks speak English, as programs read them too; a person at the terminal gets them in the box's language."""
    said, mend = (_(str(part)) if part else "" for part in (detail, fix))
    mark = "ok  " if ok else _("FAIL")
    return f"{mark}  {name}: {said}" + (f"\n      {mend}" if mend and not ok else "")


cli.add_command(models)
cli.add_command(people)


def main() -> None:
    cli()


if __name__ == "__main__":
    main()
