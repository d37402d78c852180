"""What the commands at the terminal share: settings, the open box, an answer in words or JSON. Exit code 1 is `Failed`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from appliance.core import crypto
from appliance.core.config import Settings, load_settings
from appliance.core.errors import DomainError
from appliance.core.i18n import gettext as _

if TYPE_CHECKING:
    from appliance.core.box import Box

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


class Failed(click.ClickException):
    exit_code = 1


def read_settings() -> Settings:
    try:
        return load_settings()
    except (ValidationError, ValueError) as err:
        first = err.errors()[0] if isinstance(err, ValidationError) else None
        said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(err)
        raise Failed(_("The configuration is not valid: %(why)s", why=said)) from err


@contextmanager
def opened_box(*, migrate_first: bool = False) -> Iterator[Box]:
    """Closed at the end; what a domain refuses is said in its own sentences. `migrate_first` as in `open_the_box`."""
    box = open_the_box(migrate_first=migrate_first)
    try:
        yield box
    except DomainError as err:
        fields = getattr(err, "fields", {})
        raise Failed(" ".join(dict.fromkeys([str(err), *map(str, fields.values())]))) from err
    finally:
        box.close()


def open_the_box(*, migrate_first: bool = False) -> Box:
    """`migrate_first` also makes the key and the tables of a box that never ran."""
    from appliance.core import migrate as migrations
    from appliance.entrypoints import up as supervisor
    from appliance.entrypoints.boot import boot

    settings = read_settings()
    try:
        if migrate_first:
            migrations.upgrade(settings, supervisor.make_ready(settings))
        box = boot("cli", settings)
        speak_as(box)  # the first read of the data: a key of another box shows here
    except (crypto.KeyUnreadable, supervisor.CannotStart) as err:
        raise Failed(str(err)) from err
    return box


def speak_as(box: Box) -> None:
    """In the language of the box's first organisation; the terminal's own counts until there is one."""
    from sqlalchemy.exc import SQLAlchemyError

    from appliance.core import i18n
    from appliance.domains.identity import queries

    with suppress(SQLAlchemyError), box.whole_box("language of the terminal") as uow:
        spoken = queries.find_box_locale(uow)
        if spoken:
            i18n.use_locale(spoken)


def answer(result: dict[str, Any], *, as_json: bool, sentence: str) -> None:
    click.echo(json.dumps(result, ensure_ascii=False, default=str) if as_json else sentence)
