"""Keys and sealing. A master key wraps one data key per tenant; without the master key the data folder is noise."""

import hmac
import os
import secrets
import threading
from collections.abc import Callable
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.core.i18n import gettext as _
from appliance.core.i18n import reason_of
from appliance.core.ids import NIL

KEY_BYTES = 32
NONCE_BYTES = 12
_FORMAT = b"\x01"
_HEAD = len(_FORMAT) + 16

sealing_tenant: ContextVar[UUID] = ContextVar("sealing_tenant", default=NIL)


class KeyUnreadable(RuntimeError):
    """The master key is missing, too open, or not the one this data was sealed with."""


def read_master_key(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode & 0o777
        key = path.read_bytes()
    except OSError as err:
        said = _("The master key %(path)s cannot be read: %(why)s. Restore it from your emergency copy.", path=path, why=reason_of(err))
        raise KeyUnreadable(said) from err
    if mode & 0o077:
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
    except InvalidTag as err:
        raise KeyUnreadable(_("This was sealed with another key, or it is damaged.")) from err


class Keyring:
    """Data keys by tenant, unwrapped on first use. `load` fetches a wrapped key; None means the key was destroyed."""

    def __init__(self, master: bytes, load: Callable[[UUID], bytes | None] | None = None) -> None:
        self._wrapping = derive(master, "wrap")
        self._keys: dict[UUID, bytes] = {NIL: derive(master, "box")}
        self._load = load
        self._lock = threading.Lock()
        self.database_key = derive(master, "database")
        self.index_key = derive(master, "indexes")
        self.token_key = derive(master, "tokens")

    def load_with(self, load: Callable[[UUID], bytes | None]) -> None:
        self._load = load

    def new_tenant_key(self, tenant_id: UUID) -> bytes:
        """Make a data key and return it wrapped, for the caller to store in the transaction that makes the tenant."""
        key = secrets.token_bytes(KEY_BYTES)
        with self._lock:
            self._keys[tenant_id] = key
        return encrypt(self._wrapping, key, tenant_id.bytes)

    def tenant_key(self, tenant_id: UUID) -> bytes:
        with self._lock:
            known = self._keys.get(tenant_id)
        if known is not None:
            return known
        wrapped = self._load(tenant_id) if self._load else None
        if wrapped is None:
            raise KeyUnreadable(_("This organisation's key was destroyed; its data cannot be read any more."))
        key = decrypt(self._wrapping, wrapped, tenant_id.bytes)
        with self._lock:
            self._keys[tenant_id] = key
        return key

    def index_share(self, tenant_id: UUID) -> bytes:
        """The tenant's part of the key to its vector indexes; gone with the tenant's key."""
        return derive(self.tenant_key(tenant_id), "indexes")

    def forget(self, tenant_id: UUID) -> None:
        with self._lock:
            self._keys.pop(tenant_id, None)

    def seal(self, tenant_id: UUID, plain: bytes) -> bytes:
        """format 1: version byte, tenant id, nonce, AES-256-GCM ciphertext bound to the tenant id."""
        return _FORMAT + tenant_id.bytes + encrypt(self.tenant_key(tenant_id), plain, tenant_id.bytes)

    def unseal(self, sealed: bytes) -> bytes:
        tenant_id = UUID(bytes=sealed[len(_FORMAT) : _HEAD])
        return decrypt(self.tenant_key(tenant_id), sealed[_HEAD:], tenant_id.bytes)


_installed: list[Keyring] = []


def install(keyring: Keyring) -> None:
    """Make `keyring` the one that sealed columns use in this process."""
    _installed[:] = [keyring]


def installed() -> Keyring:
    if not _installed:
        raise KeyUnreadable("No keys were loaded; open the box before its data.")
    return _installed[0]
