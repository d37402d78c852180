"""`salesedge`: what an operator does at the terminal. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import os
import sys
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance import __version__
from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.cli_audit import audit
from appliance.entrypoints.cli_backup import backup, restore
from appliance.entrypoints.cli_bench import bench
from appliance.entrypoints.cli_brand import brand
from appliance.entrypoints.cli_diagnostics import diagnostics
from appliance.entrypoints.cli_egress import egress
from appliance.entrypoints.cli_files import files
from appliance.entrypoints.cli_keys import keys
from appliance.entrypoints.cli_logs import logs
from appliance.entrypoints.cli_models import models
from appliance.entrypoints.cli_people import people
from appliance.entrypoints.cli_tenants import tenants
from appliance.entrypoints.cli_update import release, rollback, update
from appliance.entrypoints.terminal import (
    NAMED,
    Failed,
    Group,
    Option,
    answer,
    json_option,
    opened_box,
    option,
    read_settings,
    speak_as_the_terminal,
)

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.config import Settings

NAMED_AT_ONCE = 20  # of suspended organisations: a line is to be read
_PASSWORD_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

cli = Group("salesedge", help=lazy_gettext("SalesEdge: your own sales and service AI, on your own hardware."))
click.version_option(__version__, message="%(prog)s %(version)s", cls=Option, help=lazy_gettext("Show the version and exit."))(cli)


@cli.command(help=lazy_gettext("Run the whole box in the foreground."))
@option("--port", type=click.IntRange(1, 65535), metavar="N", help=lazy_gettext("Port to listen on."))
@option("--host", metavar="HOST", help=lazy_gettext("Address to listen on."))
@option("--demo", "with_demo", is_flag=True, help=lazy_gettext("Load the demo company."))
def up(port: int | None, host: str | None, *, with_demo: bool) -> None:
    if port:
        os.environ["SALESEDGE__SERVER__PORT"] = str(port)
    if host:
        os.environ["SALESEDGE__SERVER__HOST"] = host
    settings = read_settings()
    from appliance.entrypoints import boot  # noqa: F401 - imported once here, shared by every child
    from appliance.entrypoints import up as supervisor

    terminal = copy_context()  # children speak to whom they serve; the greeting speaks to the terminal
    sys.exit(supervisor.run(settings, when_ready=lambda: terminal.run(_announce, settings, with_demo=with_demo)))


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


@cli.command(help=lazy_gettext("First-run set-up without the page."))
@option("--email", required=True, metavar="E-MAIL", help=lazy_gettext("E-mail of the first person."))
@option("--password-file", required=True, type=_PASSWORD_FILE, metavar=lazy_gettext("FILE"), help=lazy_gettext("File with their password."))
@option("--tenant", required=True, metavar=NAMED, help=lazy_gettext("Name of the first organisation."))
@option("--name", default="", metavar=NAMED, help=lazy_gettext("Name of the first person."))
@json_option
def setup(email: str, password_file: Path, tenant: str, name: str, *, as_json: bool) -> None:
    from appliance.domains.identity import actions
    from appliance.domains.identity.types import Setup

    with opened_box(migrate_first=True) as box:
        password = password_file.read_text().strip()
        person = name or email.partition("@")[0]
        made = actions.set_up_from_console(box, Setup(email=email, password=password, person=person, tenant=tenant))
    result = {"tenant_id": made.id, "tenant": made.name, "email": email}
    answer(result, as_json=as_json, sentence=_("Done. Sign in as %(email)s.", email=email))


@cli.command("setup-code", help=lazy_gettext("Print a new one-time code for set-up."))
@json_option
def setup_code(*, as_json: bool) -> None:
    with opened_box() as box:
        code = _setup_code(box)
    if code is None:
        raise Failed(_("This box is already set up."))
    answer({"code": code}, as_json=as_json, sentence=code)


@cli.command(help=lazy_gettext("Bring the database to this release."))
@json_option
def migrate(*, as_json: bool) -> None:
    with opened_box(migrate_first=True):
        pass
    answer({"migrated": True}, as_json=as_json, sentence=_("The database is current."))


@cli.command(help=lazy_gettext("Say whether everything is well. Exit code 1 when something needed is not."))
@json_option
def status(*, as_json: bool) -> None:
    from appliance.core.web.health import name_of, run_checks

    with opened_box() as box:
        results = run_checks(box)
        suspended = _suspended(box) if results["database"].ok else ""
    report = {name: {"ok": r.ok, "needed": r.needed, "detail": r.detail, "fix": r.fix} for name, r in results.items()}
    lines = [_line(name_of(name), r.detail, r.fix, ok=r.ok, needed=r.needed) for name, r in results.items()]
    if suspended:  # somebody wanted that
        report["suspended"] = {"ok": True, "needed": True, "detail": suspended, "fix": ""}
        lines.append(f"{_('ok'):5}  " + _("Suspended organisations: %(names)s", names=suspended))
    answer(report, as_json=as_json, sentence="\n".join(lines))
    sys.exit(0 if all(result.ok for result in results.values() if result.needed) else 1)


def _suspended(box: Box) -> str:
    from appliance.domains.identity import queries

    with box.whole_box("organisations at the console", read_only=True) as uow:
        slugs, number = queries.list_suspended_slugs(uow, limit=NAMED_AT_ONCE)
    names = ", ".join(slugs)
    return names if number == len(slugs) else _("%(names)s and %(number)s more", names=names, number=number - len(slugs))


@cli.command(help=lazy_gettext("Check all this box needs. Says how to mend what is wrong."))
@json_option
def doctor(*, as_json: bool) -> None:
    from appliance.entrypoints.doctor import examine

    findings = examine(read_settings())
    report = {f.name: {"ok": f.ok, "needed": f.needed, "detail": f.detail, "fix": f.fix} for f in findings}
    answer(report, as_json=as_json, sentence="\n".join(_line(f.title, f.detail, str(f.fix), ok=f.ok, needed=f.needed) for f in findings))
    sys.exit(0 if all(f.ok for f in findings if f.needed) else 1)


demo = Group("demo", help=lazy_gettext("The demo company: documents, an agent, conversations."))
cli.add_command(demo)


@demo.command("load", help=lazy_gettext("Add the demo company to a running box."))
@json_option
def demo_load(*, as_json: bool) -> None:
    from appliance.entrypoints import demo as seeds

    with opened_box() as box:
        tenant = seeds.load(box)
    answer({"tenant_id": tenant.id, "tenant": tenant.name}, as_json=as_json, sentence=_("%(name)s is here.", name=tenant.name))


@demo.command("remove", help=lazy_gettext("Remove the demo company and nothing else."))
@json_option
def demo_remove(*, as_json: bool) -> None:
    from appliance.entrypoints import demo as seeds

    with opened_box() as box:
        gone = seeds.remove(box)
    answer({"removed": gone}, as_json=as_json, sentence=_("The demo is gone.") if gone else _("There is no demo on this box."))


def _line(name: str, detail: str, fix: str, *, ok: bool, needed: bool = True) -> str:
    """Checks speak English, as programs read them too; a person at the terminal gets them in theirs."""
    from appliance.core.web.health import in_words

    mark = _("ok") if ok else _("FAIL") if needed else _("note")
    return f"{mark:5}  {name}: {in_words(detail)}" + (f"\n       {in_words(fix)}" if fix and not ok else "")


cli.add_command(audit)
cli.add_command(bench)
cli.add_command(brand)
cli.add_command(keys)
cli.add_command(backup)
cli.add_command(diagnostics)
cli.add_command(egress)
cli.add_command(files)
cli.add_command(logs)
cli.add_command(models)
cli.add_command(people)
cli.add_command(people, "users")
cli.add_command(release)
cli.add_command(restore)
cli.add_command(rollback)
cli.add_command(tenants)
cli.add_command(update)


def main() -> None:
    os.environ["PYTHONSAFEPATH"] = "1"  # what it starts imports nothing from the folder it was called in, as a checkout of another release
    from appliance.core.updates import NotRoots

    try:
        _hand_over()
        cli()
    except NotRoots as err:
        speak_as_the_terminal()
        sys.exit(_("Others than root may change %(path)s, so root does not go by what lies there.", path=err))


def _hand_over() -> None:
    """A box that was set up here and updated since is another program by now: that one works on its data."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):  # noqa: PLR2004 - nothing but help is wanted
        return
    from appliance.core.releases import order_of
    from appliance.core.updates import releases

    here = releases()
    name = here.now
    if name and not here.is_installed and not here.is_own(name) and order_of(name.partition("-")[0]) >= order_of(__version__):
        program = str(here.python_of(name))
        os.execv(program, [program, "-m", "appliance.entrypoints.cli", *sys.argv[1:]])  # noqa: S606 - our own


if __name__ == "__main__":
    main()
