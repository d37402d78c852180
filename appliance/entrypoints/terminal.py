"""What the commands at the terminal share: its language, settings, the open box, an answer in words or JSON. Exit code 1 is `Failed`."""

from __future__ import annotations

import fcntl
import gettext
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from appliance.core import i18n
from appliance.core.errors import DomainError
from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from appliance.core.box import Box
    from appliance.core.config import Settings

UPDATING = "SALESEDGE_UPDATING"  # in the environment of what an update itself starts
_LOCALE_NAMES = ("LC_ALL", "LC_MESSAGES", "LANG")
NAMED = lazy_gettext("NAME")
_YES = {"y", "yes", "s", "sim"}
USAGE = (lazy_gettext("[OPTIONS]"), lazy_gettext("COMMAND [ARGS]..."))  # what click writes there without asking for a translation


class _Spoken(click.Command):
    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option:
            option.help = _("Show this message and exit.")  # click keeps it in the language of whoever asked first
        return option

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [_(str(piece)) for piece in super().collect_usage_pieces(ctx)]


class Command(_Spoken):
    """Its help, like that of its options, is written lazily: words in the language known by the time they are shown."""


class Group(_Spoken, click.Group):
    command_class = Command
    group_class = type

    def main(self, *arguments: Any, **options: Any) -> Any:
        speak_as_the_terminal()
        return super().main(*arguments, **options)


class Option(click.Option):
    def __init__(self, *arguments: Any, help: Any = None, **options: Any) -> None:  # noqa: A002 - click's name for it
        super().__init__(*arguments, **options)
        self.help = help  # click would make plain words of it at once

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        shown = super().get_help_record(ctx)
        return shown and (shown[0], str(shown[1]))


class Failed(click.ClickException):
    exit_code = 1


option = partial(click.option, cls=Option)
json_option = option("--json", "as_json", is_flag=True, help=lazy_gettext("Answer in JSON."))


def speak_as_the_terminal() -> None:
    """Portuguese where the locale says so, English otherwise; click finds its own sentences by gettext's variable."""
    named = next(filter(None, map(os.environ.get, _LOCALE_NAMES)), "")
    i18n.use_locale("pt" if named.lower().startswith("pt") else "en")
    os.environ["LANGUAGE"] = i18n.current_locale()
    gettext.bindtextdomain(i18n.DOMAIN, i18n.CATALOGUES)


def ask_for_leave(question: str) -> None:
    """Raises click.Abort unless the person says yes, in either language."""
    answers = _("y/N")
    said = click.prompt(f"{question} [{answers}]", default="", show_default=False)
    if said.strip().lower() not in _YES:
        raise click.Abort


def read_settings() -> Settings:
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from appliance.core.config import config_file, load_settings

    try:
        return load_settings()
    except ValidationError as err:
        raise Failed(_("The configuration is not valid: %(why)s", why=said_of(err))) from err
    except OSError as err:
        why = f"{config_file()}: {i18n.reason_of(err)}"
        raise Failed(_("The configuration is not valid: %(why)s", why=why)) from err
    except SettingsError as err:
        why = _("The environment variable %(name)s is not JSON, as lists are written there.", name=_variables_of(err))
        raise Failed(_("The configuration is not valid: %(why)s", why=why)) from err
    except ValueError as err:  # TOML, of which only the line is ours to tell
        line = re.search(r"line (\d+)", str(err))
        where = _("%(path)s, line %(line)s", path=config_file(), line=line[1]) if line else str(config_file())
        raise Failed(_("The configuration is not valid: %(why)s", why=_("%(where)s is not TOML.", where=where))) from err


def _variables_of(err: SettingsError) -> str:
    """The names of the variables it is about: the library tells their section, and what it could not read."""
    unread = getattr(err.__cause__, "doc", None)
    return ", ".join(name for name, value in sorted(os.environ.items()) if value == unread and name.upper().startswith("SALESEDGE__"))


def said_of(err: ValidationError) -> str:
    from appliance.core.web.problems import refusal_of

    setting, sentence = next(iter(refusal_of(err).fields.items()))
    return f"{setting}: {sentence}"


@contextmanager
def opened_box(*, migrate_first: bool = False) -> Iterator[Box]:
    """Closed at the end; what a domain refuses is said in its own sentences. `migrate_first` as in `open_the_box`."""
    from sqlalchemy.exc import OperationalError

    with at_the_console():
        box = open_the_box(migrate_first=migrate_first)
        try:
            yield box
        except DomainError as err:
            fields = getattr(err, "fields", {})
            raise Failed(" ".join(dict.fromkeys([str(err), *map(str, fields.values())]))) from err
        except OperationalError as err:
            raise Failed(_("The database does not answer, or its tables are missing. `salesedge doctor` says more.")) from err
        finally:
            box.close()


@contextmanager
def at_the_console() -> Iterator[None]:
    """A command has the box open, and no update copies or puts back its data meanwhile. Raises Failed while one does."""
    from appliance.core import updates

    with taken(read_settings(), fcntl.LOCK_SH) as is_taken:
        journal = updates.releases().read()
        is_closed = journal is not None and journal.step in updates.CLOSED
        if not is_taken or (is_closed and UPDATING not in os.environ):
            raise Failed(_("This box is being updated. If that was interrupted: salesedge update --resume"))
        yield


@contextmanager
def taken(settings: Settings, kind: int, patience_s: float = 0) -> Iterator[bool]:
    """Whether it is: LOCK_SH by each command that has the box open, LOCK_EX where none has."""
    from appliance.core.updates import LOOKS_EVERY_S, is_locked

    try:
        folder = os.open(settings.run_dir, os.O_RDONLY)
    except OSError:  # a box that never ran, or is somebody else's
        yield True
        return
    try:
        ends = time.monotonic() + patience_s
        while not (is_taken := is_locked(folder, kind)) and time.monotonic() < ends:
            time.sleep(LOOKS_EVERY_S)
        yield is_taken
    finally:
        os.close(folder)


def open_the_box(*, migrate_first: bool = False) -> Box:
    """`migrate_first` also makes the key and the tables of a box that never ran."""
    from appliance.core import crypto
    from appliance.entrypoints import up as supervisor
    from appliance.entrypoints.boot import boot

    settings = read_settings()
    try:
        if migrate_first:
            supervisor.bring_to_this_release(settings, supervisor.make_ready(settings))
        box = boot("cli", settings)
    except (crypto.KeyUnreadable, supervisor.CannotStart) as err:
        raise Failed(str(err)) from err
    return box


def answer(result: dict[str, Any], *, as_json: bool, sentence: str) -> None:
    click.echo(json.dumps(result, ensure_ascii=False, default=str) if as_json else sentence)
