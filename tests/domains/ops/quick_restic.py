"""restic with keys that open at once: it stretches a password as if a person had made it up, a quarter of a second of work at each call.

Ours are random. After an `init` in a folder the key is sealed anew, in restic's own format, without the stretching.

https://restic.readthedocs.io/en/v0.14.0/100_references.html#keys-encryption-and-mac
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

NONCE = MAC = 16
LIGHT = {"N": 2, "r": 1, "p": 1}


def put_in_place(folder: Path) -> None:
    """A program `restic` that goes before the real one."""
    program, real = folder / "restic", shutil.which("restic")
    program.write_text(f"""#!/bin/sh
for word; do
    if [ "$word" = init ]; then exec "{sys.executable}" "{__file__}" "{real}" "$@"; fi
done
exec "{real}" "$@"
""")
    program.chmod(0o755)


def main(real: str, *arguments: str) -> int:
    """`init`, and then that."""
    place = arguments.index("--password-file") + 1
    password = Path(arguments[place]).read_bytes()
    given, ours = os.pipe()
    os.write(ours, password)
    os.close(ours)
    keys = Path(os.environ["RESTIC_REPOSITORY"]) / "keys"
    before = {*keys.glob("*")}
    command = ["setpriv", "--pdeathsig=KILL", real, *arguments[:place], f"/dev/fd/{given}", *arguments[place + 1 :]]
    done = subprocess.run(command, pass_fds=[given], check=False)
    if done.returncode == 0 and keys.is_dir():
        (kept,) = {*keys.iterdir()} - before
        lightened = lighten(json.loads(kept.read_text()), password)
        (keys / hashlib.sha256(lightened).hexdigest()).write_bytes(lightened)
        kept.unlink()
    return done.returncode


def lighten(key: dict[str, object], password: bytes) -> bytes:
    sealed = b64decode(str(key["data"]))
    opened = _crypt(_stretched(key, password), sealed[:NONCE], sealed[NONCE:-MAC])
    light = {**key, **LIGHT}
    keys, nonce = _stretched(light, password), os.urandom(NONCE)
    content = _crypt(keys, nonce, opened)
    return json.dumps({**light, "data": b64encode(nonce + content + _mac(keys, nonce, content)).decode()}).encode()


def _stretched(key: dict[str, object], password: bytes) -> bytes:
    n, r, p = (int(str(key[name])) for name in ("N", "r", "p"))
    return hashlib.scrypt(password, salt=b64decode(str(key["salt"])), n=n, r=r, p=p, maxmem=2**28, dklen=64)


def _crypt(keys: bytes, nonce: bytes, content: bytes) -> bytes:
    return Cipher(algorithms.AES256(keys[:32]), modes.CTR(nonce)).encryptor().update(content)


def _mac(keys: bytes, nonce: bytes, content: bytes) -> bytes:
    """Poly1305-AES."""
    one_time = Cipher(algorithms.AES128(keys[32:48]), modes.ECB()).encryptor().update(nonce)
    return Poly1305.generate_tag(keys[48:64] + one_time, content)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
