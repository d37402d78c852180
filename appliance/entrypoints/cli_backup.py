"""`salesedge backup` and `salesedge restore`. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.core.errors import DomainError
from appliance.core.i18n import current_locale, lazy_gettext, ngettext
from appliance.core.i18n import gettext as _
from appliance.entrypoints.terminal import NAMED, Command, Failed, Group, answer, json_option, opened_box, option, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from appliance.core.config import Settings
    from appliance.domains.ops.types import ListedSet, Restored, Taken, TargetStatus

_MEGABYTE = 1_000_000
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_WRITTEN = click.Path(dir_okay=False, path_type=Path)
targets_option = option("--target", "targets", multiple=True, metavar=NAMED, help=lazy_gettext("Only this target; all when left out."))
target_option = option("--target", "target", default="", metavar=NAMED, help=lazy_gettext("Which target; the only one when left out."))

backup = Group("backup", invoke_without_command=True, help=lazy_gettext("Back the box up now; list, check and try out its backups."))


@backup.command(help=lazy_gettext("Take a backup now. What `salesedge backup` does."))
@targets_option
@json_option
def take(targets: tuple[str, ...], *, as_json: bool) -> None:
    """Of several targets each is tried, whatever becomes of the others."""
    from appliance.domains.ops import actions

    failed: list[str] = []
    with opened_box() as box:
        for name in _all_or(box.settings, targets):
            try:
                taken = actions.back_up(box, name)
            except DomainError as err:
                failed.append(f"{name}: {err}")
                if as_json:
                    answer({"target": name, "ok": False, "reason": str(err)}, as_json=True, sentence="")
            else:
                answer({"target": name, "ok": True, **asdict(taken)}, as_json=as_json, sentence=_said(name, taken))
    if failed:
        click.echo(" / ".join(failed), err=True)
        raise click.exceptions.Exit(1)


@click.pass_context
def _take_unless_told(ctx: click.Context, targets: tuple[str, ...], *, as_json: bool) -> None:
    if ctx.invoked_subcommand is None:
        ctx.invoke(take, targets=targets, as_json=as_json)


backup.callback = targets_option(json_option(_take_unless_told))
backup.params = [*reversed(getattr(backup.callback, "__click_params__", []))]


@backup.command("list", help=lazy_gettext("The backups a target holds, newest first."))
@target_option
@json_option
def list_(target: str, *, as_json: bool) -> None:
    from appliance.domains.ops import actions

    with _told():
        settings = read_settings()
        found = actions.list_backups(settings, _one(settings, target))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], default=str))
        return
    for one in found:
        click.echo("  ".join([one.id[:16], _moment(one.taken_at), *_closed(one)]))
    if not found:
        click.echo(_("This target holds no backup yet."))


@backup.command(help=lazy_gettext("Check that what a target holds is not damaged."))
@target_option
@option("--read-data", is_flag=True, help=lazy_gettext("Read every byte of it, which takes long."))
@json_option
def check(target: str, *, read_data: bool, as_json: bool) -> None:
    from appliance.domains.ops import actions

    with _told():
        settings = read_settings()
        name = _one(settings, target)
        actions.check_target(settings, name, read_data=read_data)
    answer({"target": name, "ok": True}, as_json=as_json, sentence=_("%(name)s: nothing is damaged.", name=name))


@backup.command(help=lazy_gettext("Restore the newest backup beside the box, check it, and throw it away. Prints a signed receipt."))
@target_option
@option("--receipt", type=_WRITTEN, metavar=lazy_gettext("FILE"), help=lazy_gettext("Write the receipt to this file as well."))
@json_option
def drill(target: str, receipt: Path | None, *, as_json: bool) -> None:
    from appliance.domains.ops import actions

    with opened_box() as box:
        signed = actions.drill(box, _one(box.settings, target))
    if receipt:
        receipt.write_text(json.dumps(signed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    values = {"rows": sum(signed["rows"].values()), "files": signed["files"], "seconds": signed["restore_seconds"]}
    answer(signed, as_json=as_json, sentence=_("The backup holds: %(rows)s rows, %(files)s files, restored in %(seconds)s s.", **values))


@backup.command("verify-receipt", help=lazy_gettext("Check that a drill's receipt is genuine."))
@click.argument("file", type=_FILE, metavar=lazy_gettext("FILE"))
@option("--public-key", default="", metavar="HEX", help=lazy_gettext("Public key of the box that signed it; this box's when left out."))
@json_option
def verify_receipt(file: Path, public_key: str, *, as_json: bool) -> None:
    from appliance.domains.ops import actions

    try:
        receipt = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as err:
        raise Failed(_("%(file)s is no receipt.", file=file)) from err
    with _told():
        key = public_key or actions.public_key(read_settings())
        actions.verify_receipt(receipt if isinstance(receipt, dict) else {}, key)
    answer({"ok": True, "result": receipt["result"], "public_key": key}, as_json=as_json, sentence=_("Genuine and unaltered."))


@backup.command(help=lazy_gettext("Store PostgreSQL's journal now, for point-in-time recovery. The box does so every five minutes."))
@option("--take-over", is_flag=True, help=lazy_gettext("From the machine that stored it until now, which does so no more."))
@json_option
def archive(*, take_over: bool, as_json: bool) -> None:
    from appliance.domains.ops import actions, queries

    with opened_box() as box:
        actions.archive(box, take_over=take_over)
        with box.whole_box("archive at the console", read_only=True) as uow:
            status = queries.archive_status(uow)
    assert status is not None
    assert status.reaches is not None
    told = {name: value for name, value in asdict(status).items() if name in {"target", "since", "reaches", "gap"}}
    answer(told, as_json=as_json, sentence=_("A restore can name any time until %(reaches)s.", reaches=_moment(status.reaches)))


@backup.command(help=lazy_gettext("Let go of backups that the rules of the configuration do not keep, and of unfinished ones."))
@target_option
@json_option
def forget(target: str, *, as_json: bool) -> None:
    from appliance.domains.ops import actions

    with opened_box() as box:
        gone = actions.forget_backups(box, _one(box.settings, target))
    answer({"forgotten": gone}, as_json=as_json, sentence=_("%(count)s backups went.", count=len(gone)))


@backup.command(help=lazy_gettext("How much work would be lost now (RPO), and how long a restore took (RTO), as measured."))
@json_option
def rpo(*, as_json: bool) -> None:
    from appliance.domains.ops import queries

    with opened_box() as box, box.whole_box("backups at the console", read_only=True) as uow:
        found = queries.target_statuses(uow, box.settings.backup)
    if as_json:
        told = [{"target": one.name, "rpo_s": one.rpo_s, "rto_s": one.rto_s, "is_overdue": one.is_overdue} for one in found]
        click.echo(json.dumps(told))
    for one in () if as_json else found:
        click.echo(f"{one.name}: {_measured(one)}")
    if not found and not as_json:
        click.echo(_("No backup target is set up. Name one in the configuration, under [backup.targets]."))
    if any(one.is_overdue for one in found):
        raise click.exceptions.Exit(1)


@click.command(cls=Command, help=lazy_gettext("Make this box from a backup. Its key has to be here; it must not run."))
@target_option
@option("--backup", "set_id", default="latest", show_default=True, metavar="ID", help=lazy_gettext("First digits of a backup's id."))
@option(
    "--to",
    "moment",
    default="",
    metavar=lazy_gettext("TIME"),
    help=lazy_gettext("As it was then (PostgreSQL, point-in-time recovery): 2026-11-22T18:05, with +00:00 or in this machine's time."),
)
@option("--replace", is_flag=True, help=lazy_gettext("Also on a box that holds data: they are moved aside."))
@json_option
def restore(target: str, set_id: str, moment: str, *, replace: bool, as_json: bool) -> None:
    import fcntl

    from appliance.domains.ops import actions
    from appliance.entrypoints import up

    to = _time(moment) if moment else None
    with _told():
        settings = read_settings()
        name = _one(settings, target)
        try:
            up.make_folders(settings)
            lock = up.take_lock(settings, fcntl.LOCK_EX)
        except up.CannotStart as err:
            raise Failed(str(err)) from err
        if to is None:
            done = actions.restore(settings, name, set_id=set_id, replace=replace)
        else:
            done = actions.restore_to(settings, name, to, replace=replace)
        lock.close()
    answer({**asdict(done), "ok": done.found.is_whole}, as_json=as_json, sentence=_restored(done))
    if not done.found.is_whole:
        raise click.exceptions.Exit(1)


def _time(moment: str) -> datetime:
    from datetime import datetime

    try:
        return datetime.fromisoformat(moment).astimezone()
    except ValueError as err:
        raise click.UsageError(_("%(moment)s is no time. Write it like 2026-11-22T18:05.", moment=moment)) from err


def _restored(done: Restored) -> str:
    rows = sum(done.found.rows.values())
    values = {"at": _moment(done.taken_at), "rows": rows, "files": done.found.files, "seconds": round(done.seconds)}
    lines = [_("Restored as of %(at)s: %(rows)s rows, %(files)s files, in %(seconds)s s.", **values)]
    if done.found.erased:
        values = {"organisations": done.found.erased, "count": done.found.erased_rows}
        lines.append(_("Removed from it: %(organisations)s organisations whose key was destroyed since, %(count)s rows.", **values))
    if done.aside:
        lines.append(_("What was here before lies in %(path)s.", path=done.aside))
    if done.contents.models:
        lines.append(_("Models are not in backups. This box had: %(names)s", names=", ".join(done.contents.models)))
    if not done.found.is_whole:
        names = ", ".join(done.found.differing)
        lines.append(_("Not whole: %(absent)s files are missing, %(bad)s do not open, tables that differ: %(names)s",
                       absent=done.found.absent, bad=done.found.unreadable, names=names or "-"))  # fmt: skip
    return "\n".join(lines)


def _closed(one: ListedSet) -> list[str]:
    """What of it opens no more, and why."""
    told = [one.unreadable] if one.unreadable else []
    if one.rotated:
        told.append(ngettext("does not open for one organisation: its key of then was rotated and destroyed",
                             "does not open for %(num)s organisations: their keys of then were rotated and destroyed",
                             len(one.rotated)))  # fmt: skip
    if one.erased:
        told.append(ngettext("one organisation was erased since and is left out",
                             "%(num)s organisations were erased since and are left out", len(one.erased)))  # fmt: skip
    return told


def _measured(one: TargetStatus) -> str:
    lost = _("no backup yet") if one.rpo_s is None else _("last good backup %(minutes)s minutes ago", minutes=round(one.rpo_s / 60))
    took = _("no drill yet") if one.rto_s is None else _("a restore took %(seconds)s s", seconds=one.rto_s)
    return f"RPO: {lost}; RTO: {took}"


def _said(name: str, taken: Taken) -> str:
    values = {"name": name, "id": taken.set_id[:16], "read": _mb(taken.processed), "added": _mb(taken.added)}
    return _("%(name)s: %(id)s is stored; %(read)s read, %(added)s added.", **values)


def _mb(size: int) -> str:
    from babel import numbers

    return f"{numbers.format_decimal(round(size / _MEGABYTE, 1), locale=current_locale())} MB"


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _all_or(settings: Settings, targets: tuple[str, ...]) -> tuple[str, ...]:
    if not (targets or settings.backup.targets):
        raise Failed(_("No backup target is set up. Name one in the configuration, under [backup.targets]."))
    return targets or tuple(settings.backup.targets)


def _one(settings: Settings, target: str) -> str:
    named = _all_or(settings, (target,) if target else ())
    if len(named) > 1:
        raise click.UsageError(_("Name one with --target: %(names)s", names=", ".join(named)))
    return named[0]


@contextmanager
def _told() -> Iterator[None]:
    """What a domain or the key refuses, in its own sentence."""
    from appliance.core.crypto import KeyUnreadable

    try:
        yield
    except (DomainError, KeyUnreadable) as err:
        raise Failed(str(err)) from err
