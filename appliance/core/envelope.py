"""The root key and what it lies under: `keys.json` in the data folder holds it wrapped, once per slot. A slot changes, the root stays.

A box without that file has the root itself in its key file. Any key file that holds the root opens the box, slots or not.
"""

from __future__ import annotations

import fcntl
import getpass
import hmac
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from appliance.core import clock, crypto
from appliance.core.config import Settings, credentials_folder
from appliance.core.crypto import KeyUnreadable
from appliance.core.i18n import gettext as _
from appliance.core.i18n import reason_of

FILE = "keys.json"
USES = "keys.used.json"
KEY_CREDENTIAL = "salesedge-master-key"
PASSPHRASE_CREDENTIAL = "salesedge-passphrase"  # noqa: S105 - a name
MOST_TRIES = 3
# RFC 9106, the second recommended option: for where 2 GiB of memory are too many
ARGON2 = {"time_cost": 3, "memory_cost": 64 * 1024, "parallelism": 4}
_SALT_BYTES = 16

_asked_for: dict[str, bytes] = {}  # fingerprint -> a root whose passphrase was typed: children forked later need not ask again


@dataclass(frozen=True)
class Slot:
    """`wrapped`: the root under this slot's key. `salt` and `argon2` of a passphrase only."""

    name: str
    kind: Literal["key", "passphrase"]
    created_at: str
    wrapped: str
    salt: str = ""
    argon2: dict[str, int] | None = None

    def open(self, secret: bytes) -> bytes | None:
        """`secret`: 32 bytes of a key file, or the passphrase. None when it is not this slot's."""
        try:
            return crypto.decrypt(_wrapping(self._key(secret)), bytes.fromhex(self.wrapped), FILE.encode())
        except KeyUnreadable:
            return None

    def _key(self, secret: bytes) -> bytes:
        return secret if self.kind == "key" else _stretched(secret, bytes.fromhex(self.salt), self.argon2 or ARGON2)


@dataclass(frozen=True)
class Kit:
    """That an emergency kit was made: any `threshold` of its `shares` give the root."""

    made_at: str
    threshold: int
    shares: int


@dataclass(frozen=True)
class Envelope:
    fingerprint: str
    slots: tuple[Slot, ...]
    kit: Kit | None = None

    def open(self, secret: bytes, kind: Literal["key", "passphrase"]) -> tuple[bytes, Slot] | None:
        """The root, and the slot that gave it."""
        found = ((slot.open(secret), slot) for slot in self.slots if slot.kind == kind)
        return next(((root, slot) for root, slot in found if root is not None), None)

    def is_root(self, key: bytes) -> bool:
        return hmac.compare_digest(fingerprint(key), self.fingerprint)

    def without(self, name: str, *, but: Slot | None = None) -> Envelope:
        return replace(self, slots=tuple(slot for slot in self.slots if slot.name != name or slot == but))


@dataclass(frozen=True)
class Opened:
    """`source`: where the secret came from, for people. `holds_root`: that was the root itself, in no need of a slot."""

    root: bytes
    source: str
    slot: Slot | None = None
    holds_root: bool = False


def fingerprint(root: bytes) -> str:
    """Tells one root from another and nothing about it."""
    digits = crypto.derive(root, "fingerprint")[:10].hex()
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def slot_under_key(name: str, key: bytes, root: bytes, now: str) -> Slot:
    return Slot(name, "key", now, crypto.encrypt(_wrapping(key), root, FILE.encode()).hex())


def slot_under_passphrase(name: str, passphrase: bytes, root: bytes, now: str) -> Slot:
    salt = secrets.token_bytes(_SALT_BYTES)
    key = _stretched(passphrase, salt, ARGON2)
    return Slot(name, "passphrase", now, crypto.encrypt(_wrapping(key), root, FILE.encode()).hex(), salt.hex(), ARGON2)


def _wrapping(key: bytes) -> bytes:
    return crypto.derive(key, "slot")


def _stretched(passphrase: bytes, salt: bytes, cost: dict[str, int]) -> bytes:
    from argon2.low_level import Type, hash_secret_raw  # noqa: PLC0415 - few boxes have a passphrase

    return hash_secret_raw(passphrase, salt, hash_len=crypto.KEY_BYTES, type=Type.ID, **cost)


def load(settings: Settings) -> Envelope | None:
    """None on a box whose key file is the root. Raises KeyUnreadable for a file that is damaged."""
    path = settings.home / FILE
    try:
        told = json.loads(path.read_text())
        kit = Kit(**told["kit"]) if told["kit"] else None
        return Envelope(told["fingerprint"], tuple(Slot(**slot) for slot in told["slots"]), kit)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as err:
        why = reason_of(err) if isinstance(err, OSError) else _("it is damaged")
        said = _("%(path)s cannot be read: %(why)s. Bring it back from a backup, or use your emergency kit.", path=path, why=why)
        raise KeyUnreadable(said) from err


def save(settings: Settings, envelope: Envelope) -> None:
    """Whole or not at all."""
    told: dict[str, Any] = {
        "fingerprint": envelope.fingerprint, "kit": vars(envelope.kit) if envelope.kit else None,
        "slots": [vars(slot) for slot in envelope.slots],
    }  # fmt: skip
    replace_file(settings.home / FILE, json.dumps(told, indent=1).encode())


def replace_file(path: Path, content: bytes) -> None:
    """Readable by its owner alone; after a crash it is the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        _give_to_its_owner(file.fileno(), path)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _give_to_its_owner(number: int, path: Path) -> None:
    """What root writes for the box stays readable to the box's own user."""
    if os.geteuid() == 0:
        owner = (path if path.exists() else path.parent).stat()
        os.fchown(number, owner.st_uid, owner.st_gid)


@contextmanager
def one_at_a_time(settings: Settings, *, waits: bool = True) -> Iterator[None]:
    """Who changes keys waits here for whoever does so already, or gets BlockingIOError."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.home / "keys.lock").open("w") as lock:
        _give_to_its_owner(lock.fileno(), settings.home)
        fcntl.flock(lock, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def open_root(settings: Settings) -> bytes:
    """Raises KeyUnreadable, with a sentence about the key file when that is what should have opened the box."""
    opened = open_box_key(settings)
    if opened.slot is not None:
        _note_use(settings, opened.slot)
    return opened.root


def last_uses(settings: Settings) -> dict[str, str]:
    """By name of a slot, when a process last opened the box with it, to the hour."""
    try:
        told = json.loads((settings.home / USES).read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _note_use(settings: Settings, slot: Slot) -> None:
    uses, now = last_uses(settings), clock.now()
    if uses.get(slot.name, "") > (now - timedelta(hours=1)).isoformat(timespec="seconds"):
        return
    with suppress(OSError), one_at_a_time(settings, waits=False):  # a box that cannot write this opens all the same
        fresh = {**last_uses(settings), slot.name: now.isoformat(timespec="seconds")}
        replace_file(settings.home / USES, json.dumps(fresh).encode())


def open_box_key(settings: Settings, *, without: str = "") -> Opened:
    """By systemd's credential, the key file, or a passphrase, in this order. `without` asks for another slot than this one."""
    envelope = load(settings)
    slots = envelope.without(without) if envelope else None
    refusals: list[KeyUnreadable] = []
    for path in key_files(settings):
        try:
            key = crypto.read_master_key(path, is_guarded=path != settings.keys.master_key_file)
        except KeyUnreadable as err:
            refusals.append(err)
            continue
        if slots is None:
            return Opened(key, str(path), holds_root=True)
        found, is_root = slots.open(key, "key"), slots.is_root(key)
        if found or (is_root and not without):
            return Opened(found[0] if found else key, str(path), found[1] if found else None, is_root)
        refusals.append(KeyUnreadable(_foreign(path)))
    if slots and any(slot.kind == "passphrase" for slot in slots.slots):
        return _by_passphrase(settings, slots, is_fresh=bool(without))
    raise refusals[-1]


def key_files(settings: Settings) -> list[Path]:
    """Where this process looks for a key: systemd's credential when there is one, then the key file."""
    credential = _credential(KEY_CREDENTIAL)
    return [*([credential] if credential else []), settings.keys.master_key_file]


def _credential(name: str) -> Path | None:
    """An empty line is what the units give for a file that is not there."""
    folder = credentials_folder()
    path = folder / name if folder else None
    return path if path and path.exists() and path.stat().st_size > 1 else None


def _foreign(path: Path) -> str:
    why = _("The master key %(path)s opens none of this box's slots: it belongs to another box, or was replaced since.", path=path)
    return f"{why} {_('Restore the key from your emergency copy.')}"


def _by_passphrase(settings: Settings, slots: Envelope, *, is_fresh: bool) -> Opened:
    known = _asked_for.get(slots.fingerprint)
    if known and not is_fresh:
        return Opened(known, _("typed"))
    for source, passphrase in _passphrases(settings):
        if found := slots.open(passphrase, "passphrase"):
            _asked_for[slots.fingerprint] = found[0]
            return Opened(found[0], source, found[1])
    raise KeyUnreadable(_("This box opens with a passphrase, and none that fits was given. Type it, or set keys.passphrase_file."))


def _passphrases(settings: Settings) -> Iterator[tuple[str, bytes]]:
    named = settings.keys.passphrase_file
    for path in (_credential(PASSPHRASE_CREDENTIAL), named):
        if path is not None and path.exists():
            yield str(path), read_passphrase(path)
    if named is None and sys.stdin.isatty():
        for _try in range(MOST_TRIES):
            yield _("typed"), ask_passphrase(_("Passphrase of this box: "))


def ask_passphrase(question: str) -> bytes:
    return getpass.getpass(question).encode()


def read_passphrase(path: Path) -> bytes:
    """Its first line. Raises KeyUnreadable."""
    try:
        return path.read_bytes().partition(b"\n")[0].rstrip(b"\r")
    except OSError as err:
        raise KeyUnreadable(_("The passphrase file %(path)s cannot be read: %(why)s.", path=path, why=reason_of(err))) from err
