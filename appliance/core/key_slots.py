"""Changing what the root key lies under.

Each step leaves a box that opens: the envelope first, then the key file, then what is no longer needed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from appliance.core import clock, crypto, envelope
from appliance.core.config import Settings
from appliance.core.crypto import KeyUnreadable
from appliance.core.envelope import Envelope, Kit, Opened, Slot
from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import reason_of

KEY_FILE = "key-file"  # the name of the slot that the box's own key file opens
LEAST_PASSPHRASE = 14


@dataclass(frozen=True)
class Standing:
    """`holds_root`: the key file is the root itself, so that a copy of it opens the box for ever."""

    fingerprint: str
    source: str
    holds_root: bool
    slots: tuple[Slot, ...]
    kit: Kit | None
    uses: Mapping[str, datetime]


def has_key(settings: Settings) -> bool:
    return any(path.exists() for path in envelope.key_files(settings))


def standing(settings: Settings) -> Standing:
    """Raises KeyUnreadable when the box does not open."""
    opened = envelope.open_box_key(settings)
    kept = envelope.load(settings) or _without_slots(opened.root)
    return Standing(kept.fingerprint, opened.source, opened.holds_root, kept.slots, kept.kit, _uses(settings, kept))


def look(settings: Settings) -> Standing:
    """As `standing`, without a passphrase, which would be asked for or take a second. Raises KeyUnreadable."""
    kept = envelope.load(settings)
    if kept is None:
        return standing(settings)
    holds_root = any(kept.is_root(key) for key in _readable_keys(settings))
    return Standing(kept.fingerprint, "", holds_root, kept.slots, kept.kit, _uses(settings, kept))


def _uses(settings: Settings, kept: Envelope) -> dict[str, datetime]:
    """Of the slots as they are now: what stood under a name before is another."""
    found, made = envelope.last_uses(settings), {slot.name: datetime.fromisoformat(slot.created_at) for slot in kept.slots}
    uses = {name: datetime.fromisoformat(found[name]) for name in made if name in found}
    return {name: moment for name, moment in uses.items() if moment >= made[name]}


def _readable_keys(settings: Settings) -> Iterator[bytes]:
    for path in envelope.key_files(settings):
        with suppress(KeyUnreadable):
            yield crypto.read_master_key(path, is_guarded=path != settings.keys.master_key_file)


def add_key_file(settings: Settings, name: str, path: Path) -> Slot:
    """A new key in a new file; one that is there is never replaced. Raises Conflict."""
    with envelope.one_at_a_time(settings):
        opened, kept = _opened(settings)
        _check_name_is_free(kept, name)
        if path.exists():
            raise Conflict(_("%(path)s exists already. Name a file that does not.", path=path))
        key = secrets.token_bytes(crypto.KEY_BYTES)
        slot = envelope.slot_under_key(name, key, opened.root, _today())
        try:
            envelope.replace_file(path, key)
        except OSError as err:
            raise Refused(_("%(path)s cannot be written: %(why)s.", path=path, why=reason_of(err))) from err
        envelope.save(settings, replace(kept, slots=(*kept.slots, slot)))
    return slot


def add_passphrase(settings: Settings, name: str, passphrase: bytes) -> Slot:
    """Raises Conflict, Refused."""
    _check_passphrase(passphrase)
    with envelope.one_at_a_time(settings):
        opened, kept = _opened(settings)
        _check_name_is_free(kept, name)
        slot = envelope.slot_under_passphrase(name, passphrase, opened.root, _today())
        envelope.save(settings, replace(kept, slots=(*kept.slots, slot)))
    return slot


def remove(settings: Settings, name: str) -> None:
    """Only where another slot opens the box here and now. Raises NotFound, Conflict."""
    with envelope.one_at_a_time(settings):
        kept = envelope.load(settings)
        _find(kept, name)
        assert kept
        left = kept.without(name)
        if not left.slots:
            raise Conflict(_("The last slot of a box stays. Add another first."))
        try:
            envelope.open_box_key(settings, without=name)
        except KeyUnreadable as err:
            raise Conflict(_("No other slot opens this box here and now, so %(name)s stays: %(why)s", name=name, why=str(err))) from err
        envelope.save(settings, left)


def rotate_key_file(settings: Settings) -> Slot:
    """A new key in the box's key file; the one before opens nothing any more. Running processes go on: the root is the same.

    Killed in between: the old file still opens the box, or the new one does; the next rotation takes away what was left.
    """
    with envelope.one_at_a_time(settings):
        opened, kept = _opened(settings)
        return _rotated(settings, opened.root, kept, _name_of_key_file(settings, kept))


def rotate_passphrase(settings: Settings, name: str, passphrase: bytes) -> Slot:
    """Raises NotFound, Refused."""
    _check_passphrase(passphrase)
    with envelope.one_at_a_time(settings):
        opened, kept = _opened(settings)
        if _find(kept, name).kind != "passphrase":
            raise Refused(_("Slot %(name)s has a key file, not a passphrase.", name=name))
        slot = envelope.slot_under_passphrase(name, passphrase, opened.root, _today())
        envelope.save(settings, replace(kept, slots=tuple(slot if one.name == name else one for one in kept.slots)))
    return slot


def note_kit(settings: Settings, threshold: int, shares: int) -> Kit:
    """Remember that an emergency kit was made."""
    with envelope.one_at_a_time(settings):
        kept = _opened(settings)[1]
        kit = Kit(_today(), threshold, shares)
        envelope.save(settings, replace(kept, kit=kit))
    return kit


def put_back(settings: Settings, root: bytes) -> None:
    """A key file for a box that lost its own. What lies in its place is kept aside. Raises Conflict when the box opens as it is.

    Without an envelope, as before a restore, the file holds the root itself.
    """
    path = settings.keys.master_key_file
    with envelope.one_at_a_time(settings):
        kept = _readable(settings)
        if kept and not kept.is_root(root):
            raise Refused(_("These shares belong to another box: their key has the fingerprint %(theirs)s, this box %(own)s.",
                            theirs=envelope.fingerprint(root), own=kept.fingerprint))
        if _opens_by_file(settings, kept, root):
            raise Conflict(_("This box opens with the key it has; nothing is to be put back."))
        _keep_aside(path)
        if kept is None:
            _keep_aside(settings.home / envelope.FILE)
        envelope.replace_file(path, root)
        if kept:
            _rotated(settings, root, kept, KEY_FILE)


def _rotated(settings: Settings, root: bytes, kept: Envelope, name: str) -> Slot:
    key = secrets.token_bytes(crypto.KEY_BYTES)
    slot = envelope.slot_under_key(name, key, root, _today())
    path = settings.keys.master_key_file
    both = replace(kept, slots=(*kept.slots, slot))
    envelope.save(settings, both)
    try:
        envelope.replace_file(path, key)
    except OSError as err:
        envelope.save(settings, kept)
        raise Refused(_("%(path)s cannot be written: %(why)s.", path=path, why=reason_of(err))) from err
    envelope.save(settings, both.without(name, but=slot))
    return slot


def _name_of_key_file(settings: Settings, kept: Envelope) -> str:
    try:
        found = kept.open(crypto.read_master_key(settings.keys.master_key_file), "key")
    except KeyUnreadable:
        return KEY_FILE
    return found[1].name if found else KEY_FILE


def _keep_aside(path: Path) -> None:
    if path.exists():
        path.rename(path.with_name(f"{path.name}.unusable-{clock.now():%Y%m%d%H%M%S}"))


def _opened(settings: Settings) -> tuple[Opened, Envelope]:
    """The box's root, and its envelope: made now for a box whose key file is the root."""
    opened = envelope.open_box_key(settings)
    kept = envelope.load(settings)
    if kept is None:
        slot = envelope.slot_under_key(KEY_FILE, opened.root, opened.root, _today())
        kept = replace(_without_slots(opened.root), slots=(slot,))
    return opened, kept


def _readable(settings: Settings) -> Envelope | None:
    """None also for a damaged one: the kit is what opens such a box."""
    try:
        return envelope.load(settings)
    except KeyUnreadable:
        return None


def _opens_by_file(settings: Settings, kept: Envelope | None, root: bytes) -> bool:
    """Not by a passphrase: whoever has forgotten it is not asked for it."""
    try:
        key = crypto.read_master_key(settings.keys.master_key_file)
    except KeyUnreadable:
        return False
    return key == root or (kept is not None and kept.open(key, "key") is not None)


def _without_slots(root: bytes) -> Envelope:
    return Envelope(envelope.fingerprint(root), ())


def _find(kept: Envelope | None, name: str) -> Slot:
    found = next((slot for slot in kept.slots if slot.name == name), None) if kept else None
    if found is None:
        raise NotFound(_("There is no slot %(name)s. `salesedge keys status` names them.", name=name))
    return found


def _check_name_is_free(kept: Envelope, name: str) -> None:
    if any(slot.name == name for slot in kept.slots):
        raise Conflict(_("There is a slot %(name)s already. Choose another name.", name=name))


def _check_passphrase(passphrase: bytes) -> None:
    if len(passphrase.decode("utf-8", "replace")) < LEAST_PASSPHRASE:
        raise Refused(_("A passphrase has at least %(least)s characters; several words are best.", least=LEAST_PASSPHRASE))


def _today() -> str:
    return clock.now().isoformat(timespec="seconds")
