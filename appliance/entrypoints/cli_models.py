"""`salesedge models`: what the box can run, and getting it there. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.core.errors import DomainError
from appliance.core.i18n import current_locale, lazy_gettext
from appliance.core.i18n import gettext as _
from appliance.entrypoints.terminal import NAMED, Failed, Group, json_option, option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.inference.catalog import CatalogueModel, Models

_MEGABYTE = 1_000_000
LONGEST_PULL_S = 24 * 3600.0
_QUIET_BYTES = 32 * _MEGABYTE


models = Group("models", help=lazy_gettext("List, recommend, pull, import, verify, measure and remove models."))


@models.command("list", help=lazy_gettext("What the catalogue knows and what is installed."))
@option("--task", type=click.Choice(["chat", "embedding", "rerank", "transcription"]), help=lazy_gettext("Only models for this."))
@json_option
def list_(task: str | None, *, as_json: bool) -> None:
    found = [one for one in _opened().list_models() if task in (None, one.model.task)]
    if as_json:
        click.echo(json.dumps([{**_told(one.model), "installed": one.installed} for one in found], ensure_ascii=False))
        return
    for one in found:
        click.echo(_line(one.model, mark="*" if one.installed else " "))


@models.command(help=lazy_gettext("What suits a machine of this size."))
@option("--ram-mb", type=click.IntRange(min=1), metavar="N", help=lazy_gettext("Memory to plan for; this machine's when left out."))
@option("--vram-mb", type=click.IntRange(min=0), metavar="N", help=lazy_gettext("Memory of the GPU; this machine's when left out."))
@json_option
def recommend(ram_mb: int | None, vram_mb: int | None, *, as_json: bool) -> None:
    from appliance.core.hardware import read_hardware
    from appliance.entrypoints.terminal import read_settings

    settings = read_settings()
    machine = read_hardware(settings.home / "models", settings.models.gguf_engine)
    ram, vram = ram_mb or machine.ram_mb, machine.vram_mb if vram_mb is None and ram_mb is None else vram_mb or 0
    _show(_opened().recommend(ram, vram, cores=machine.cores), as_json=as_json)


@models.command(help=lazy_gettext("Download a model. Run it again to go on after a failure."))
@click.argument("name", metavar=NAMED)
@json_option
def pull(name: str, *, as_json: bool) -> None:
    shown: dict[str, int] = {}
    try:
        done = _opened().pull(name, partial(_progress, shown))
    except DomainError as err:
        raise Failed(str(err)) from err
    if as_json:
        click.echo(json.dumps({"name": done.name, "hashes": dict(done.hashes), "pinned": list(done.pinned)}))
        return
    for file, digest in done.hashes.items():
        click.echo(f"{digest}  {file}")
    if done.pinned:
        click.echo(_("First download: this checksum is now remembered here. Compare it with the publisher's before you trust the model."))
    click.echo(_("%(name)s is installed.", name=done.name))


@models.command("import", help=lazy_gettext("Install a model from a file or a folder. For boxes without a network."))
@click.argument("path", metavar=lazy_gettext("PATH"), type=click.Path(exists=True, path_type=Path))
@option("--name", default="", metavar=NAMED, help=lazy_gettext("Name to install it under."))
@json_option
def import_(path: Path, name: str, *, as_json: bool) -> None:
    try:
        named = _opened().import_file(path, name)
    except DomainError as err:
        raise Failed(str(err)) from err
    click.echo(json.dumps({"name": named}) if as_json else _("%(name)s is installed.", name=named))


@models.command(help=lazy_gettext("Hash installed models again."))
@click.argument("name", default="", metavar=f"[{NAMED}]")
@json_option
def verify(name: str, *, as_json: bool) -> None:
    found = _opened().verify(name)
    if as_json:
        click.echo(json.dumps([{"name": one.name, "ok": one.ok, "reason": one.reason} for one in found], ensure_ascii=False))
    else:
        for one in found:
            click.echo(f"{'ok ' if one.ok else '!! '} {one.name} {one.reason}".rstrip())
    if not all(one.ok for one in found):
        raise click.exceptions.Exit(1)


@models.command(help=lazy_gettext("Delete an installed model."))
@click.argument("name", metavar=NAMED)
@json_option
def remove(name: str, *, as_json: bool) -> None:
    try:
        _opened().remove(name)
    except DomainError as err:
        raise Failed(str(err)) from err
    click.echo(json.dumps({"removed": name}) if as_json else _("%(name)s is gone.", name=name))


def _opened() -> Models:
    from appliance.core import telemetry
    from appliance.core.outbound import Outbound
    from appliance.entrypoints.terminal import read_settings
    from appliance.inference.catalog import Models
    from appliance.inference.download import Fetcher

    settings = read_settings()
    telemetry.configure_logs(settings.logs, "cli")  # each call is logged: not between what programs read
    outbound = Outbound(settings.network)
    client = partial(outbound.client, "models pull", timeout_s=settings.models.timeout_s, within_s=LONGEST_PULL_S)
    return Models(settings.home / "models", Fetcher(client))


def _show(chosen: Sequence[CatalogueModel], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_told(model) for model in chosen], ensure_ascii=False))
        return
    for model in chosen:
        click.echo(_line(model))
    if not chosen:
        click.echo(_("This machine is too small for any model in the catalogue; the box still answers by quoting."))


def _told(model: CatalogueModel) -> dict[str, object]:
    return {
        "name": model.name, "title": model.title, "task": model.task, "languages": list(model.languages), "licence": model.licence,
        "size_bytes": model.size_bytes, "ram_mb": model.ram_mb, "vram_mb": model.vram_mb, "notes": model.notes, "bundled": model.bundled,
    }


def _line(model: CatalogueModel, mark: str = "") -> str:
    notes = _(model.notes) if model.notes else ""
    spoken = "/".join(model.languages)
    return f"{mark:1} {model.task:13} {model.name:38} {_mb(model.size_bytes):>10}  {spoken}  {model.licence}  {notes}".rstrip()


def _mb(size_bytes: float) -> str:
    from babel import numbers

    return f"{numbers.format_decimal(round(size_bytes / _MEGABYTE), locale=current_locale())} MB"


def _progress(shown: dict[str, int], name: str, have: int, total: int) -> None:
    if have - shown.get(name, 0) < _QUIET_BYTES and have != total:
        return
    shown[name] = have
    click.echo(f"{name}: {_mb(have)}" + (f" / {_mb(total)}" if total else ""), err=True)
