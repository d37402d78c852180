"""`salesedge keys`: what opens the box, an emergency kit, and the way back in."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.terminal import NAMED, Failed, Group, answer, ask_for_leave, json_option, opened_box, option, read_settings

if TYPE_CHECKING:
    from appliance.core.config import Settings
    from appliance.core.key_slots import Standing

_FILE = lazy_gettext("FILE")
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_OLD_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

keys = Group("keys", help=lazy_gettext("What opens this box: slots, rotation, emergency kit, recovery."))


@keys.command(help=lazy_gettext("What opens this box, and whether an emergency kit was made."))
@json_option
def status(*, as_json: bool) -> None:
    from appliance.core import key_slots

    with _said():
        found = key_slots.standing(read_settings())
    told = {
        "fingerprint": found.fingerprint, "opened_by": found.source, "key_file_is_root": found.holds_root,
        "slots": [
            {"name": slot.name, "kind": slot.kind, "created_at": slot.created_at, "last_used": found.uses.get(slot.name)}
            for slot in found.slots
        ],
        "kit": vars(found.kit) if found.kit else None,
    }  # fmt: skip
    answer(told, as_json=as_json, sentence="\n".join(_lines(found)))


def _lines(found: Standing) -> Iterator[str]:
    kinds = {"key": _("key file"), "passphrase": _("passphrase")}
    yield _("Fingerprint: %(fingerprint)s", fingerprint=found.fingerprint)
    yield _("Opened by: %(source)s", source=found.source)
    for slot in found.slots:
        yield _("Slot %(name)s: %(kind)s, since %(since)s", name=slot.name, kind=kinds[slot.kind], since=slot.created_at)
    if found.holds_root:
        yield _("The key file holds the root key itself. `salesedge keys rotate` puts a key in its place that can be changed.")
    if found.kit:
        of = {"needed": found.kit.threshold, "shares": found.kit.shares, "at": found.kit.made_at}
        yield _("Emergency kit: %(needed)s of %(shares)s, made %(at)s", **of)
    else:
        yield _("Emergency kit: none. Make one with `salesedge keys kit`.")


@keys.command("add-slot", help=lazy_gettext("Let another key file or a passphrase open this box too."))
@click.argument("name", metavar=NAMED)
@option("--key-file", type=_NEW_FILE, metavar=_FILE, help=lazy_gettext("Write a new key here."))
@option("--passphrase", "asks", is_flag=True, help=lazy_gettext("Ask for a passphrase."))
@option("--passphrase-file", type=_OLD_FILE, metavar=_FILE, help=lazy_gettext("Take the passphrase from the first line of this file."))
@json_option
def add_slot(name: str, key_file: Path | None, passphrase_file: Path | None, *, asks: bool, as_json: bool) -> None:
    from appliance.core import key_slots

    if sum(map(bool, (key_file, asks, passphrase_file))) != 1:
        raise click.UsageError(_("Give one of --key-file, --passphrase and --passphrase-file."))
    settings = read_settings()
    with _said():
        if key_file:
            slot = key_slots.add_key_file(settings, name, key_file)
        else:
            slot = key_slots.add_passphrase(settings, name, _new_passphrase(passphrase_file))
    answer({"name": slot.name, "kind": slot.kind}, as_json=as_json, sentence=_("Slot %(name)s opens this box.", name=name))


@keys.command("remove-slot", help=lazy_gettext("Take a slot away. The last one that opens the box here stays."))
@click.argument("name", metavar=NAMED)
@json_option
def remove_slot(name: str, *, as_json: bool) -> None:
    from appliance.core import key_slots

    with _said():
        key_slots.remove(read_settings(), name)
    answer({"removed": name}, as_json=as_json, sentence=_("Slot %(name)s opens nothing any more.", name=name))


@keys.command(help=lazy_gettext("Put a new key into the key file, or a new passphrase into a slot. Nothing has to stop."))
@option("--slot", "name", default="", metavar=NAMED, help=lazy_gettext("The slot of a passphrase. Left out: the key file."))
@option("--passphrase-file", type=_OLD_FILE, metavar=_FILE, help=lazy_gettext("Take the passphrase from the first line of this file."))
@json_option
def rotate(name: str, passphrase_file: Path | None, *, as_json: bool) -> None:
    from appliance.core import key_slots

    settings = read_settings()
    with _said():
        if name:
            slot = key_slots.rotate_passphrase(settings, name, _new_passphrase(passphrase_file))
        else:
            slot = key_slots.rotate_key_file(settings)
    answer({"name": slot.name, "kind": slot.kind}, as_json=as_json, sentence=_("Slot %(name)s has a new key.", name=slot.name))


@keys.command(help=lazy_gettext("Print an emergency kit: shares on paper, some of which give the key back."))
@option("--shares", type=click.IntRange(2, 16), default=5, show_default=True, metavar="M", help=lazy_gettext("How many sheets."))
@option("--needed", type=click.IntRange(2, 16), default=3, show_default=True, metavar="N", help=lazy_gettext("How many give the key."))
@option("--name", "box_name", default="", metavar=NAMED, help=lazy_gettext("What the box is called on the sheets."))
@option("--out", type=_NEW_FILE, metavar=_FILE, help=lazy_gettext("Write a page to print (.html) or plain text here, not to the terminal."))
@json_option
def kit(shares: int, needed: int, box_name: str, out: Path | None, *, as_json: bool) -> None:
    from appliance.core import emergency_kit, envelope, key_slots
    from appliance.entrypoints import kit_pages

    if needed > shares:
        raise click.UsageError(_("--needed is at most --shares."))
    settings = read_settings()
    out = out.resolve() if out else None
    if out and out.is_relative_to(settings.home.resolve()):
        raise Failed(_("%(path)s lies in the data folder, and the kit opens that: name a file elsewhere.", path=out))
    with _said():
        root = envelope.open_root(settings)
        lines = emergency_kit.split(root, threshold=needed, shares=shares)
        name = box_name or urlsplit(settings.public_url).hostname or "SalesEdge"
        printed = kit_pages.made_now(name, envelope.fingerprint(root), needed, lines)
        if out:
            _write_new(out, kit_pages.as_page(printed) if out.suffix in {".html", ".htm"} else kit_pages.as_text(printed))
        key_slots.note_kit(settings, needed, shares)
    told = {"fingerprint": printed.fingerprint, "needed": needed, "shares": shares}
    if out:
        sentence = _("%(path)s holds all shares: print it, hand the sheets to different people, and delete it.", path=out)
        answer({**told, "path": out}, as_json=as_json, sentence=sentence)
    else:
        answer({**told, "lines": lines}, as_json=as_json, sentence=kit_pages.as_text(printed))


@keys.command(help=lazy_gettext("Make the key file again from the shares of an emergency kit."))
@option("--shares-file", type=_OLD_FILE, metavar=_FILE, help=lazy_gettext("File with a share on each line. Left out: asked one by one."))
@json_option
def recover(shares_file: Path | None, *, as_json: bool) -> None:
    from appliance.core import emergency_kit, envelope, key_slots

    settings = read_settings()
    with _said():
        lines = _shares_in(shares_file) if shares_file else _asked_shares()
        root = emergency_kit.join(lines)
        _check_opens_the_rows(settings, root)
        key_slots.put_back(settings, root)
    path, fingerprint = settings.keys.master_key_file, envelope.fingerprint(root)
    sentence = _("%(path)s opens this box again. Fingerprint: %(fingerprint)s", path=path, fingerprint=fingerprint)
    answer({"path": path, "fingerprint": fingerprint}, as_json=as_json, sentence=sentence)


@keys.command("rotate-organisation", help=lazy_gettext("Give an organisation's data a new key while it works."))
@click.argument("slug", metavar=NAMED)
@option("--keep-days", type=click.IntRange(min=0), default=30, show_default=True, metavar="N",
        help=lazy_gettext("Days the old key stays, so that backups taken before still open."))
@option("--wait", is_flag=True, help=lazy_gettext("Seal what is there anew now, not in the background."))
@json_option
def rotate_organisation(slug: str, keep_days: int, *, wait: bool, as_json: bool) -> None:
    from appliance.core import resealing
    from appliance.domains.identity import actions

    with opened_box() as box:
        tenant_id = actions.find_tenant_id(box, slug)
        rotation = actions.rotate_tenant_key(box, tenant_id, keep=timedelta(days=keep_days))
        if wait:
            resealing.go_on(box, tenant_id, until=math.inf)
    told = {"slug": slug, "generation": rotation.generation, "keep_until": rotation.keep_until}
    sentence = _("%(slug)s writes under a new key. `salesedge keys rotations` says how far the rest is.", slug=slug)
    answer(told, as_json=as_json, sentence=sentence)


@keys.command(help=lazy_gettext("How far the data of organisations are under their new keys."))
@json_option
def rotations(*, as_json: bool) -> None:
    from appliance.core import resealing

    with opened_box() as box:
        found = resealing.list_progress(box)
    if as_json:
        click.echo(json.dumps([vars(one) for one in found], default=str))
        return
    states = {"resealing": _("under way"), "kept": _("done, the old key is kept"), "done": _("done, the old key is destroyed")}
    for one in found:
        line = {"tenant": one.tenant_id, "state": states[one.state], "steps": one.steps, "of": one.of, "values": one.resealed}
        click.echo(_("%(tenant)s: %(state)s; step %(steps)s of %(of)s, %(values)s values sealed anew", **line))


@keys.command("erase-organisation", help=lazy_gettext("Destroy an organisation's keys and all it has, for good."))
@click.argument("slug", metavar=NAMED)
@option("--yes", is_flag=True, help=lazy_gettext("Do not ask."))
@json_option
def erase_organisation(slug: str, *, yes: bool, as_json: bool) -> None:
    from appliance.domains.identity import actions
    from appliance.domains.knowledge import queries as documents

    with opened_box() as box:
        tenant_id = actions.find_tenant_id(box, slug)
        if not yes:
            ask_for_leave(_("%(slug)s and all it has are destroyed for good. Go on?", slug=slug))
        told = actions.erase_tenant(box, tenant_id, namespaces=[documents.vector_namespace(tenant_id)])
    answer(told, as_json=as_json, sentence=json.dumps(told, ensure_ascii=False, indent=2))


@keys.command("verify-certificate", help=lazy_gettext("Check that a certificate of erasure is genuine."))
@click.argument("file", type=_OLD_FILE, metavar=_FILE)
@option("--public-key", default="", metavar="HEX", help=lazy_gettext("Public key of the box that signed it; this box's when left out."))
@json_option
def verify_certificate(file: Path, public_key: str, *, as_json: bool) -> None:
    from appliance.core import crypto, envelope, signing
    from appliance.domains.identity import actions

    try:
        certificate = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as err:
        raise Failed(_("%(file)s is no certificate.", file=file)) from err
    with _said():
        key = public_key or signing.public_key_of(crypto.Keyring(envelope.open_root(read_settings())).receipt_key)
        actions.check_certificate(certificate if isinstance(certificate, dict) else {}, key)
    answer({"ok": True, "public_key": key}, as_json=as_json, sentence=_("Genuine and unaltered."))


def _shares_in(path: Path) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if line.strip()]


def _asked_shares() -> list[str]:
    from appliance.core import emergency_kit

    lines: list[str] = []
    while True:
        lines.append(click.prompt(_("Share %(number)s", number=len(lines) + 1), hide_input=False))
        if len(lines) >= emergency_kit.needed_by(lines):
            return lines


def _check_opens_the_rows(settings: Settings, root: bytes) -> None:
    """Raises crypto.KeyUnreadable for the key of another box. A machine without data takes any."""
    from sqlalchemy.exc import OperationalError

    from appliance.core import crypto, db

    if not (settings.database.url or (settings.home / "salesedge.db").exists()):
        return
    database = db.connect(settings, crypto.Keyring(root).database_key)
    try:
        with database.read_only.connect():
            pass
    except OperationalError as err:
        raise Failed(_("The database does not answer, so that nothing says whether this key is its own. Start it first.")) from err
    finally:
        database.close()


def _new_passphrase(path: Path | None) -> bytes:
    from appliance.core import envelope

    if path:
        return envelope.read_passphrase(path)
    first = envelope.ask_passphrase(_("New passphrase: "))
    if envelope.ask_passphrase(_("The same again: ")) != first:
        raise Failed(_("The two are not the same. Nothing was changed."))
    return first


def _write_new(path: Path, words: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(words)
    except FileExistsError as err:
        raise Failed(_("%(path)s exists already. Name a file that does not.", path=path)) from err
    except OSError as err:
        from appliance.core.i18n import reason_of

        raise Failed(_("%(path)s cannot be written: %(why)s.", path=path, why=reason_of(err))) from err


@contextmanager
def _said() -> Iterator[None]:
    """What is refused below is said in its own sentence."""
    from appliance.core.crypto import KeyUnreadable
    from appliance.core.errors import DomainError

    try:
        yield
    except (DomainError, KeyUnreadable) as err:
        raise Failed(str(err)) from err
