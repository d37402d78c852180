"""Large files from the outside: resumed where they broke off, and accepted only with the right checksum."""

import errno
import hashlib
import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin

import httpx

from appliance.core.errors import Conflict, NotFound, Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _

Progress = Callable[[str, int, int], None]
"""Called with the file's name, the bytes that are here and the bytes there are (0: unknown)."""

ATTEMPTS = 4
HOPS = 6
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REDIRECTS = (301, 302, 303, 307, 308)


class _Broken(Exception):
    """The connection ended before the file did."""


class Fetcher:
    """`client` makes an outbound client, which enforces the network mode on every hop."""

    def __init__(self, client: Callable[[], httpx.Client]) -> None:
        self._client = client

    def fetch(self, url: str, folder: Path, expected: str, progress: Progress) -> tuple[Path, str]:
        """The complete file and its SHA-256. What arrived before a failure is kept and continued next time.

        Raises Refused (network mode, wrong checksum), NotFound, Unavailable, Conflict (no room on the disk).
        """
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / hashlib.sha256(url.encode()).hexdigest()[:32]
        for _attempt in range(ATTEMPTS):
            try:
                self._continue(url, partial, progress)
            except _Broken:
                continue
            except OSError as err:
                raise no_room(err) from err
            return partial, _checked(url, partial, expected)
        raise Unavailable(_("The download broke off several times; what arrived is kept. Run the same command again."), retry_after=60)

    def _continue(self, url: str, partial: Path, progress: Progress) -> None:
        have = partial.stat().st_size if partial.exists() else 0
        mark = tag_of(partial)
        headers = {"Accept-Encoding": "identity"}
        if have and mark.exists():
            headers |= {"Range": f"bytes={have}-", "If-Range": json.loads(mark.read_text())}
        try:
            with self._client() as client:
                self._receive(client, url, headers, partial, progress)
        except (httpx.TransportError, httpx.StreamError) as err:
            raise _Broken from err

    def _receive(self, client: httpx.Client, url: str, headers: dict[str, str], partial: Path, progress: Progress) -> None:
        name = url.rsplit("/", 1)[-1]
        for _hop in range(HOPS):
            with client.stream("GET", url, headers=headers) as response:
                if response.status_code in _REDIRECTS:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    return  # everything is here already; the checksum decides
                _check(response, name)
                _write(response, partial, name, progress)
                return
        raise Refused(_("The address of %(name)s redirects in circles.", name=name))


def _check(response: httpx.Response, name: str) -> None:
    if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise NotFound(_("%(name)s is not at its address any more (%(status)s).", name=name, status=response.status_code))
    if response.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise Unavailable(_("%(name)s cannot be downloaded now (%(status)s).", name=name, status=response.status_code))


def _write(response: httpx.Response, partial: Path, name: str, progress: Progress) -> None:
    resumed = response.status_code == HTTPStatus.PARTIAL_CONTENT
    have = partial.stat().st_size if resumed else 0
    if resumed and not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
        partial.unlink()
        raise _Broken
    remaining = int(response.headers.get("content-length", "0"))
    total = have + remaining if remaining else 0
    _remember(response, partial)
    with partial.open("ab" if resumed else "wb") as file:
        for piece in response.iter_raw():
            have += file.write(piece)
            progress(name, have, total)
    if total and have < total:
        raise _Broken


def _remember(response: httpx.Response, partial: Path) -> None:
    """Only a file that can be recognised again is continued; another is started over."""
    tag = response.headers.get("etag", "")
    if tag and not tag.startswith("W/"):
        tag_of(partial).write_text(json.dumps(tag))


def _checked(url: str, partial: Path, expected: str) -> str:
    """Complete and right, it keeps its tag: a command that failed on a later file does not fetch this one again."""
    digest = sha256_of(partial)
    if expected and digest != expected:
        partial.unlink()
        tag_of(partial).unlink(missing_ok=True)
        names = {"name": url.rsplit("/", 1)[-1], "expected": expected[:12], "found": digest[:12]}
        raise Refused(_("%(name)s has the wrong checksum (%(found)s… instead of %(expected)s…) and was thrown away.", **names))
    return digest


def tag_of(partial: Path) -> Path:
    return partial.with_suffix(".etag")


def no_room(err: OSError) -> Conflict:
    """What a disk that refuses to be written means for the operator. Raises `err` when it is something else."""
    if err.errno not in _FULL:
        raise err
    return Conflict(_("The disk is full. Free some space and run the same command again."))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
