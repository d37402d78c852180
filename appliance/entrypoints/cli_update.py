"""`salesedge update`, `salesedge rollback` and `salesedge release`. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from subprocess import SubprocessError
from typing import TYPE_CHECKING

import click

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.terminal import Command, Failed, Group, answer, json_option, option, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.core.updates import Journal

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
patience_option = option(
    "--patience", type=click.IntRange(5, 3600), default=300, metavar="N", help=lazy_gettext("Seconds the new release has to become ready.")
)


@click.command(cls=Command, help=lazy_gettext("Update this box from a release file. What fails is undone."))
@click.argument("file", required=False, type=_FILE, metavar=lazy_gettext("FILE"))
@option("--check", "only_check", is_flag=True, help=lazy_gettext("Only look at the file and whether this box could take it."))
@option("--resume", "resumes", is_flag=True, help=lazy_gettext("Bring an update to its end that was interrupted."))
@patience_option
@json_option
def update(file: Path | None, *, only_check: bool, resumes: bool, patience: int, as_json: bool) -> None:
    from appliance.entrypoints.updating import updater

    if (file is None) != resumes:
        raise click.UsageError(_("Name a release file, or say --resume."))
    settings, say = read_settings(), _speaker(as_json=as_json)
    try:
        if file is None:
            journal = updater.resume(settings, say, patience)
            _tell(journal, as_json=as_json)
        elif only_check:
            found = updater.check(settings, file.resolve())
            names = {"version": found["version"], "key": found["signed_by"]}
            sentence = _("Version %(version)s, signed by the key %(key)s. This box can take it.", **names)
            answer(found, as_json=as_json, sentence=sentence)
        else:
            _tell(updater.update(settings, file.resolve(), say, patience), as_json=as_json)
    except (DomainError, OSError, SubprocessError) as err:
        raise Failed(str(err)) from err


@click.command(cls=Command, help=lazy_gettext("Go back to the release before the last update."))
@option("--discard", is_flag=True, help=lazy_gettext("Lose what came since, where the update changed the tables."))
@patience_option
@json_option
def rollback(*, discard: bool, patience: int, as_json: bool) -> None:
    from appliance.entrypoints.updating import updater

    try:
        journal = updater.roll_back(read_settings(), _speaker(as_json=as_json), discard=discard, patience_s=patience)
    except (DomainError, OSError, SubprocessError) as err:
        raise Failed(str(err)) from err
    _tell(journal, as_json=as_json)


release = Group("release", help=lazy_gettext("For makers of releases."))


@release.command(help=lazy_gettext("Make a release file of what is committed in a source tree."))
@option("--key", required=True, type=_FILE, metavar=lazy_gettext("FILE"), help=lazy_gettext("Private key (Ed25519, PEM) that signs it."))
@option("--source", required=True, type=_FOLDER, metavar=lazy_gettext("FOLDER"), help=lazy_gettext("The source tree, under git."))
@option("--from", "updates_from", required=True, metavar="N.N.N", help=lazy_gettext("Oldest version that can be updated to it."))
@option("--wheels", type=_FOLDER, metavar=lazy_gettext("FOLDER"), help=lazy_gettext("Python packages for boxes without a network."))
@option("--out", required=True, type=_FOLDER, metavar=lazy_gettext("FOLDER"), help=lazy_gettext("Where the file goes."))
@json_option
def make(key: Path, source: Path, updates_from: str, wheels: Path | None, out: Path, *, as_json: bool) -> None:
    from pydantic import ValidationError

    from appliance.core import releases, signing

    try:
        version = releases.version_of(source)
        path = out / f"salesedge-{version}{releases.SUFFIX}"
        private = signing.read_private_key(key.read_bytes())
        made = releases.make(source, {"wheels": wheels} if wheels else {}, private, path, updates_from=updates_from)
    except DomainError as err:
        raise Failed(str(err)) from err
    except ValidationError as err:
        raise Failed(_("This cannot be put into a release file: %(name)s", name=err.errors()[0]["input"])) from err
    answer({"file": str(path), "version": made.version, "size": path.stat().st_size}, as_json=as_json, sentence=str(path))


def _speaker(*, as_json: bool) -> Callable[[str], None]:
    return lambda sentence: click.echo(sentence, err=as_json)


def _tell(journal: Journal | None, *, as_json: bool) -> None:
    from appliance.core.updates import said_of

    if journal is None:
        answer({"outcome": None}, as_json=as_json, sentence=_("This box was never updated."))
    else:
        answer(asdict(journal), as_json=as_json, sentence=said_of(journal))
