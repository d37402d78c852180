"""Keys and sealing. The root key wraps the keys of each tenant; without it the data folder is noise."""

from __future__ import annotations

import hmac
import math
import os
import secrets
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.i18n import gettext as _
from appliance.core.i18n import reason_of
from appliance.core.ids import NIL

KEY_BYTES = 32
NONCE_BYTES = 12
NOTICED_S = 5.0
FIRST = 1  # generation
_FORMAT = b"\x02"
_GENERATION = 4
_HEAD = len(_FORMAT) + 16 + _GENERATION

sealing_tenant: ContextVar[UUID] = ContextVar("sealing_tenant", default=NIL)


class KeyUnreadable(RuntimeError):
    """The master key is missing, too open, or not the one this data was sealed with."""


def read_master_key(path: Path, *, is_guarded: bool = False) -> bytes:
    """`is_guarded`: its folder is this process's alone, whatever the mode says (systemd's credentials carry an ACL)."""
    try:
        mode = path.stat().st_mode & 0o777
        key = path.read_bytes()
    except OSError as err:
        said = _("The master key %(path)s cannot be read: %(why)s. Restore it from your emergency copy.", path=path, why=reason_of(err))
        raise KeyUnreadable(said) from err
    if mode & 0o077 and not is_guarded:
        raise KeyUnreadable(_("The master key %(path)s can be read by others. Run: chmod 600 %(path)s", path=path))
    if len(key) != KEY_BYTES:
        said = _("The master key %(path)s is damaged: %(size)s bytes instead of %(right)s.", path=path, size=len(key), right=KEY_BYTES)
        raise KeyUnreadable(said)
    return key


def create_master_key(path: Path) -> bytes:
    """Make the key once; an existing one is never replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(fd, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def derive(master: bytes, purpose: str) -> bytes:
    """HKDF-SHA256 (RFC 5869): one independent 32-byte key per purpose."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"salesedge/" + purpose.encode()).derive(master)


def proof_of(master: bytes, purpose: str, row_id: UUID) -> str:
    """What stands in a link, so that nobody else can make one up for this row: 40 hex digits."""
    return hmac.new(derive(master, purpose), row_id.bytes, sha256).hexdigest()[:40]


def encrypt(key: bytes, plain: bytes, bound_to: bytes = b"") -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def decrypt(key: bytes, sealed: bytes, bound_to: bytes = b"") -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as err:  # the latter when hardly anything of it is left
        raise KeyUnreadable(_("This was sealed with another key, or it is damaged.")) from err


@dataclass(frozen=True)
class TenantKeys:
    """`fixed` stays: hashes, proofs in links and shares of indexes come from it. Content is written under the newest generation."""

    fixed: bytes
    generations: Mapping[int, bytes]
    read_at: float = math.inf
    is_stored: bool = True

    @property
    def newest(self) -> int:
        return max(self.generations)

    def pack(self) -> bytes:
        return self.fixed + b"".join(struct.pack(">I", number) + key for number, key in sorted(self.generations.items()))


def unpack(packed: bytes, read_at: float = math.inf) -> TenantKeys:
    pieces = range(KEY_BYTES, len(packed), _GENERATION + KEY_BYTES)
    found = {struct.unpack_from(">I", packed, at)[0]: packed[at + _GENERATION : at + _GENERATION + KEY_BYTES] for at in pieces}
    return TenantKeys(packed[:KEY_BYTES], found, read_at)


class Keyring:
    """Keys by tenant, unwrapped on first use. `load` fetches wrapped keys; None means that they were destroyed.

    What other processes do with a key is noticed within NOTICED_S.
    """

    def __init__(self, master: bytes, load: Callable[[UUID], bytes | None] | None = None) -> None:
        self._wrapping = derive(master, "wrap")
        own = derive(master, "box")
        self._known = {NIL: TenantKeys(own, {FIRST: own})}
        self._asking: set[UUID] = set()
        self._load = load
        self._lock = threading.Lock()
        self.database_key = derive(master, "database")
        self.index_key = derive(master, "indexes")
        self.token_key = derive(master, "tokens")
        self.backup_key = derive(master, "backups")
        self.receipt_key = derive(master, "receipts")
        self.pseudonym = derive(master, "pseudonym").hex()[:32]  # of this box, for others to read: it tells nothing

    def load_with(self, load: Callable[[UUID], bytes | None]) -> None:
        self._load = load

    def beside(self, load: Callable[[UUID], bytes | None]) -> Keyring:
        """For a copy of this box's data, with the tenants' keys that came with it."""
        twin = copy(self)
        vars(twin).update(_known={NIL: self._known[NIL]}, _asking=set(), _lock=threading.Lock(), _load=load)
        return twin

    def new_tenant_key(self, tenant_id: UUID) -> bytes:
        """Make a tenant's keys and return them wrapped, for the caller to store in the transaction that makes the tenant."""
        made = TenantKeys(secrets.token_bytes(KEY_BYTES), {FIRST: secrets.token_bytes(KEY_BYTES)}, time.monotonic(), is_stored=False)
        with self._lock:
            self._known[tenant_id] = made
        return self._wrapped(tenant_id, made)

    def with_new_generation(self, tenant_id: UUID, wrapped: bytes) -> tuple[bytes, int]:
        """What is to be stored instead of `wrapped`, and the number of the new generation."""
        keys = self._unwrapped(tenant_id, wrapped)
        number = keys.newest + 1
        return self._wrapped(tenant_id, replace(keys, generations={**keys.generations, number: secrets.token_bytes(KEY_BYTES)})), number

    def without_generations_before(self, tenant_id: UUID, wrapped: bytes, number: int) -> bytes:
        keys = self._unwrapped(tenant_id, wrapped)
        return self._wrapped(tenant_id, replace(keys, generations={one: key for one, key in keys.generations.items() if one >= number}))

    def tenant_key(self, tenant_id: UUID) -> bytes:
        """The fixed one: for hashes and proofs, never for content."""
        return self._keys_of(tenant_id).fixed

    def newest(self, tenant_id: UUID) -> tuple[int, bytes]:
        keys = self._keys_of(tenant_id)
        return keys.newest, keys.generations[keys.newest]

    def generation(self, tenant_id: UUID, number: int) -> bytes:
        """Raises KeyUnreadable for one that was destroyed."""
        keys = self._keys_of(tenant_id)
        if number not in keys.generations:
            self.forget(tenant_id)  # another process may have made it a moment ago
            keys = self._keys_of(tenant_id)
        if number not in keys.generations:
            raise KeyUnreadable(_("This was sealed with a key that has been destroyed since."))
        return keys.generations[number]

    def _keys_of(self, tenant_id: UUID) -> TenantKeys:
        with self._lock:
            known = self._known.get(tenant_id)
            is_old = known is not None and self._load is not None and known.read_at + NOTICED_S < time.monotonic()
            if known is not None and (not is_old or tenant_id in self._asking):
                return known
            self._asking.add(tenant_id)  # one thread asks; the others go on with what they have
        try:
            return self._read(tenant_id, known)
        finally:
            with self._lock:
                self._asking.discard(tenant_id)

    def _read(self, tenant_id: UUID, known: TenantKeys | None) -> TenantKeys:
        now = time.monotonic()
        try:
            wrapped = self._load(tenant_id) if self._load else None
        except SQLAlchemyError:
            if known is None:
                raise
            return replace(known, read_at=now)  # no news: whoever needs the database hears of it there
        if wrapped is not None:
            found = unpack(decrypt(self._wrapping, wrapped, tenant_id.bytes), now)
        elif known is not None and not known.is_stored:
            found = replace(known, read_at=now)  # the transaction that makes the tenant goes on
        else:
            self.forget(tenant_id)
            raise KeyUnreadable(_("This organisation's key was destroyed; its data cannot be read any more."))
        with self._lock:
            self._known[tenant_id] = found
        return found

    def _wrapped(self, tenant_id: UUID, keys: TenantKeys) -> bytes:
        return encrypt(self._wrapping, keys.pack(), tenant_id.bytes)

    def _unwrapped(self, tenant_id: UUID, wrapped: bytes) -> TenantKeys:
        return unpack(decrypt(self._wrapping, wrapped, tenant_id.bytes))

    def oldest(self, wrapped: Mapping[UUID, bytes]) -> dict[str, int]:
        """By tenant, in hexadecimal, the oldest generation that is still there; nothing of one whose keys do not open."""
        there = {tenant_id: kept for tenant_id, kept in wrapped.items() if self.opens(tenant_id, kept)}
        return {tenant_id.hex: min(self._unwrapped(tenant_id, kept).generations) for tenant_id, kept in there.items()}

    def opens(self, tenant_id: UUID, wrapped: bytes) -> bool:
        try:
            self._unwrapped(tenant_id, wrapped)
        except KeyUnreadable:
            return False
        return True

    def index_share(self, tenant_id: UUID) -> bytes:
        """The tenant's part of the key to its vector indexes; gone with the tenant's key."""
        return derive(self.tenant_key(tenant_id), "indexes")

    def forget(self, tenant_id: UUID) -> None:
        with self._lock:
            self._known.pop(tenant_id, None)

    def seal(self, tenant_id: UUID, plain: bytes) -> bytes:
        """format 2: version byte, tenant id, generation (4 bytes), nonce, AES-256-GCM ciphertext bound to what stands before the nonce."""
        number, key = self.newest(tenant_id)
        head = head_of(tenant_id, number)
        return head + encrypt(key, plain, head)

    def unseal(self, sealed: bytes) -> bytes:
        head, rest = sealed[:_HEAD], sealed[_HEAD:]
        if len(head) < _HEAD or not head.startswith(_FORMAT):
            raise KeyUnreadable(_("This was sealed with another key, or it is damaged."))
        return decrypt(self.generation(tenant_of(head), struct.unpack(">I", head[-_GENERATION:])[0]), rest, head)


def head_of(tenant_id: UUID, generation: int) -> bytes:
    """What a value sealed under this generation begins with: of one tenant's, older ones sort before newer ones."""
    return _FORMAT + tenant_id.bytes + struct.pack(">I", generation)


def tenant_of(sealed: bytes) -> UUID:
    """Whose a sealed value is."""
    return UUID(bytes=sealed[len(_FORMAT) : _HEAD - _GENERATION])


_installed: list[Keyring] = []


def install(keyring: Keyring) -> None:
    """Make `keyring` the one that sealed columns use in this process."""
    _installed[:] = [keyring]


def is_installed() -> bool:
    return bool(_installed)


def installed() -> Keyring:
    if not _installed:
        raise KeyUnreadable("No keys were loaded; open the box before its data.")
    return _installed[0]
