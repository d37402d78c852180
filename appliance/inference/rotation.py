"""Vectors rotated by a secret: what lies between two of them stays, where they point is known to their owner alone.

Not encryption: docs/adr/0013-vectors-elsewhere.md says what they tell whoever reads them.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from appliance.core.crypto import derive
from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.inference.types import Halves, Vectors

ShareOf = Callable[[str], bytes]
MOST_BYTES = 32 << 20  # fifty owners' at 384 numbers a vector
CHANGED_S = 2.0
_BITS = 53  # of a double


@dataclass(frozen=True)
class Secret:
    """Of one namespace. `check` says which one it is and tells nothing of it."""

    share: bytes

    @property
    def check(self) -> str:
        return derive(self.share, "vectors/check").hex()[:32]


class Rotations:
    def __init__(self, share_of: ShareOf, share_now: ShareOf) -> None:
        self._share_of = share_of
        self._share_now = share_now
        self._made: OrderedDict[tuple[bytes, int], Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def secret(self, namespace: str) -> Secret:
        """Raises KeyUnreadable once it is destroyed."""
        return Secret(self._share_of(namespace))

    def check_unchanged(self, namespace: str, secret: Secret) -> None:
        """Asked anew, whatever is remembered. Raises KeyUnreadable once it is destroyed, Unavailable when it is another one."""
        if self._share_now(namespace) != secret.share:
            raise Unavailable(_("The key of these vectors was changed meanwhile."), retry_after=CHANGED_S)

    def rotated(self, secret: Secret, rows: Vectors | Halves) -> Vectors:
        """Rounded to float16 first, as the model server does: both then keep the same vectors."""
        wide = np.asarray(rows, np.float16).astype(np.float32)
        found: Vectors = wide @ self._matrix(secret.share, wide.shape[1])
        return found

    def _matrix(self, share: bytes, dim: int) -> Vectors:
        with self._lock:
            found = self._made.get((share, dim))
            if found is not None:
                self._made.move_to_end((share, dim))
                return found
        made = orthogonal(derive(share, "vectors/rotation"), dim).astype(np.float32)
        with self._lock:
            self._made[share, dim] = made
            while len(self._made) > 1 and sum(one.nbytes for one in self._made.values()) > MOST_BYTES:
                self._made.popitem(last=False)
        return made


def orthogonal(key: bytes, dim: int) -> npt.NDArray[np.float64]:
    """Any one is as likely as any other (Mezzadri 2007). From AES-CTR, since numpy's generators may change from version to version."""
    count = dim * dim + dim % 2
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(8 * count))
    even = ((np.frombuffer(stream, "<u8") >> np.uint64(64 - _BITS)) + np.uint64(1)).astype(np.float64) * 2.0**-_BITS
    radius, angle = np.sqrt(-2 * np.log(even[: count // 2])), 2 * np.pi * even[count // 2 :]
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[: dim * dim].reshape(dim, dim)
    rotation, rest = np.linalg.qr(normal)
    signs: npt.NDArray[np.float64] = np.where(np.diag(rest) < 0, -1.0, 1.0)
    return np.asarray(rotation * signs, np.float64)
