"""What the machine under the box has and lacks, each with its fix. Works when the box itself does not."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import ssl
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.support import LazyProxy

from appliance.core import clock, crypto, envelope, i18n, memory
from appliance.core.config import Settings, config_file
from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import vouched

LEAST_FREE_BYTES = 2 * 2**30
LEAST_FREE_FILES = 10_000
LEAST_MEMORY_BYTES = 4 * 10**9
LEAST_SHARED_BYTES = 256 * 2**20
LEAST_OPEN_FILES = 1024
LEAST_DAYS = 14
RECEIVERS = ("traces", "log lines", "errors")
LOOK_S = 3.0
SWAPS = Path("/proc/swaps")
LONGEST_ANSWER = 10_000
MADE = datetime(2026, 11, 1, tzinfo=UTC)  # no clock of a box that runs this is before
TITLES = {
    "python": _("Python"), "memory": _("Memory"), "shared memory": _("Shared memory"), "data": _("Data folder"), "disk": _("Free space"),
    "key": _("Master key"), "kit": _("Emergency kit"), "configuration": _("Configuration file"), "port": _("Port"), "clock": _("Clock"),
    "time zones": _("Time zones"), "files": _("Open files"), "swap": _("Swap space"), "ocr": _("Text in images"), "ffmpeg": _("Sound"),
    "certificate": _("Certificate"), "traces": _("Traces"), "log lines": _("Log lines"), "errors": _("Errors told"),
    "sentinels": _("Sentinels of Redis"),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """`fix` becomes words when it is shown, in the language known by then. Without what is not `needed` the box runs, with less."""

    name: str
    ok: bool
    detail: str
    fix: str | LazyProxy = ""
    needed: bool = True

    @property
    def title(self) -> str:
        from appliance.core.web.health import name_of  # noqa: PLC0415 - that module knows the checks of the domains

        return str(TITLES[self.name]) if self.name in TITLES else name_of(self.name)


def look(settings: Settings) -> list[Finding]:
    return [check(settings) for check in _CHECKS]


def _python(settings: Settings) -> Finding:
    del settings
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version, _("Install Python 3.11 or newer."))


def _memory(settings: Settings) -> Finding:
    del settings
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Finding("memory", total > LEAST_MEMORY_BYTES, _gib(total), _("The box needs 4 GB of memory, 8 with a chat model."))


def _shared_memory(settings: Settings) -> Finding:
    del settings
    free = memory.parts_free()
    fix = _("Uploads and figures lie in /dev/shm while they are worked on: make it larger, or empty it.")
    return Finding("shared memory", free > LEAST_SHARED_BYTES, _gib(free), fix)


def _data(settings: Settings) -> Finding:
    home = settings.home
    if not home.is_dir() or not os.access(home, os.W_OK):
        return Finding("data", ok=False, detail=str(home), fix=_("Run `salesedge up` once, or give this user the folder."))
    if stat.S_IMODE(home.stat().st_mode) & 0o022:
        return Finding("data", ok=False, detail=str(home), fix=_("Others may write in it. Run: chmod go-w %(path)s", path=home))
    return Finding("data", ok=True, detail=str(home))


def _room(settings: Settings) -> Finding:
    place = settings.home if settings.home.exists() else Path(settings.home.anchor)
    free, kept = shutil.disk_usage(place).free, os.statvfs(place)
    fix: LazyProxy = _("Free some space: at least 2 GiB.")
    if kept.f_files and kept.f_favail < LEAST_FREE_FILES:
        return Finding("disk", ok=False, detail=_gib(free), fix=_("The disk takes no more files (inodes): remove some, or use another."))
    return Finding("disk", free > LEAST_FREE_BYTES, _gib(free), fix)


def _key(settings: Settings) -> Finding:
    try:
        opened = envelope.open_box_key(settings)
    except crypto.KeyUnreadable as err:
        if crypto.is_installed() and envelope.key_files(settings)[1:]:
            # Open since its start with a systemd credential, which stays as it was then: the key was rotated
            return Finding("key", ok=True, detail=gettext("open; the key file was changed since this process started"))
        return Finding("key", ok=False, detail=str(settings.keys.master_key_file), fix=str(err))
    return Finding("key", ok=True, detail=opened.source)


def key_opens(settings: Settings) -> bool:
    return _key(settings).ok


def _kit(settings: Settings) -> Finding:
    """A reminder: a box without a kit works, and may be lost with its key."""
    try:
        kept = envelope.load(settings)
    except crypto.KeyUnreadable as err:
        return Finding("kit", ok=False, detail=envelope.FILE, fix=str(err))
    kit = kept.kit if kept else None
    none = gettext("none; make one with `salesedge keys kit`")
    return Finding("kit", ok=True, detail=f"{kit.threshold}/{kit.shares}, {kit.made_at}" if kit else none)


def _configuration(settings: Settings) -> Finding:
    del settings
    path = config_file()
    if not path.exists():
        return Finding("configuration", ok=True, detail="-")
    is_safe = not stat.S_IMODE(path.stat().st_mode) & 0o022
    fix = _("Others may change it. Run: chmod go-w %(path)s", path=path)
    return Finding("configuration", is_safe, str(path), fix)


def _port(settings: Settings) -> Finding:
    host, port = settings.server.host, settings.server.port
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    detail = f"{host}:{port}"
    try:
        socket.create_connection((address, port), LOOK_S).close()
    except OSError:
        return Finding("port", ok=True, detail=detail)
    return Finding("port", _is_ours(address, port), detail, _("Another program holds it. Stop that one, or choose another server.port."))


def _is_ours(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), LOOK_S) as line, line.makefile("rb") as answer:
            line.sendall(b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b'"status"' in answer.read(LONGEST_ANSWER)
    except OSError:
        return False


def _clock(settings: Settings) -> Finding:
    del settings
    now = clock.now()
    fix = _("Set the clock and keep it right: timedatectl set-ntp true")
    return Finding("clock", now > MADE, f"{now:%Y-%m-%d %H:%M} UTC", fix)


def _time_zones(settings: Settings) -> Finding:
    del settings
    try:
        ZoneInfo("America/Sao_Paulo")
    except ZoneInfoNotFoundError:
        return Finding("time zones", ok=False, detail="-", fix=_("Hours cannot be told. Debian: apt install tzdata"))
    return Finding("time zones", ok=True, detail=str(clock.now().astimezone().tzinfo))


def _open_files(settings: Settings) -> Finding:
    del settings
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fix = _("The box may open too few files. Raise the limit: ulimit -n 4096, or LimitNOFILE= in the units.")
    return Finding("files", soft >= LEAST_OPEN_FILES, f"{soft} / {hard}", fix)


def _swap(settings: Settings) -> Finding:
    """What is swapped out lies on the disk as it was in memory: keys, what people wrote."""
    del settings
    swaps = _swaps()
    if swaps is None:
        fix = _("Whether there is swap space cannot be seen by this process. `salesedge doctor` at the terminal sees it.")
        return Finding("swap", ok=False, detail=gettext("cannot be seen"), fix=fix, needed=False)
    clear = [name for name in swaps if not name.startswith(("/dev/zram", "/dev/dm-", "/dev/mapper/"))]
    fix = _("It may be written to the disk in the clear. Encrypt it (crypttab with a random key), use zram, or switch it off: swapoff -a")
    return Finding("swap", not clear, ", ".join(clear) or "-", fix, needed=False)


def _swaps() -> list[str] | None:
    try:
        return [line.split()[0] for line in SWAPS.read_text(encoding="ascii").splitlines()[1:]]
    except OSError:
        return None


def _ocr(settings: Settings) -> Finding:
    del settings
    found = shutil.which("tesseract")
    fix = _("Scanned pages cannot be read. Debian: apt install tesseract-ocr tesseract-ocr-por")
    return Finding("ocr", found is not None, found or "-", fix, needed=False)


def _ffmpeg(settings: Settings) -> Finding:
    del settings
    found = shutil.which("ffmpeg")
    fix = _("Voice notes in some forms (AAC, WebM) cannot be heard. Debian: apt install ffmpeg")
    return Finding("ffmpeg", found is not None, found or "-", fix, needed=False)


def _certificate(settings: Settings) -> Finding:
    """Of the proxy on this machine that answers for the public address."""
    address = urlsplit(settings.public_url)
    if address.scheme != "https" or not address.hostname:
        open_ = settings.server.host not in {"127.0.0.1", "::1", "localhost"}
        fix = _("Passwords cross the network in the clear. Put TLS in front and set server.public_url to https://…")
        return Finding("certificate", not open_, "-", fix, needed=False)
    try:
        begins, ends = certificate_life(address.hostname, address.port or 443)
    except (OSError, ValueError):
        fix = _("Nothing answers with TLS on this machine for %(host)s. Is the proxy running, here or elsewhere?", host=address.hostname)
        return Finding("certificate", ok=False, detail=address.hostname, fix=fix, needed=False)
    fix = _("It ends soon or has ended: renew it, then reload the proxy.")
    return Finding("certificate", _lasts(begins, ends), f"{address.hostname}: {ends:%Y-%m-%d} ({(ends - clock.now()).days})", fix)


def _lasts(begins: datetime, ends: datetime) -> bool:
    """An authority of the box's own gives hours, and renews them in time."""
    return ends - clock.now() >= min(timedelta(days=LEAST_DAYS), (ends - begins) / 4)


def certificate_lasts(settings: Settings) -> bool:
    """False where one is shown that ends soon or has ended. A box that nobody reaches by TLS on this machine shows none."""
    address = urlsplit(settings.public_url)
    if address.scheme != "https" or not address.hostname:
        return True
    try:
        return _lasts(*certificate_life(address.hostname, address.port or 443))
    except (OSError, ValueError):
        return True


def certificate_life(host: str, port: int, *, on: str = "127.0.0.1") -> tuple[datetime, datetime]:
    """From when until when, as it is shown, valid or not. Raises OSError when nobody shows one."""
    from cryptography import x509  # noqa: PLC0415 - only boxes with TLS pay for it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is looked at, not trusted
    with socket.create_connection((on, port), LOOK_S) as line, context.wrap_socket(line, server_hostname=host) as spoken:
        shown = spoken.getpeercert(binary_form=True)
    certificate = x509.load_der_x509_certificate(shown or b"")
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _traces(settings: Settings) -> Finding:
    return _receiver("traces", settings.telemetry.otlp_endpoint, settings)


def _log_lines(settings: Settings) -> Finding:
    return _receiver("log lines", settings.telemetry.logs_endpoint, settings)


def _errors(settings: Settings) -> Finding:
    try:
        return _receiver("errors", settings.telemetry.sentry_dsn, settings)
    except OSError as err:  # it was there when the box began
        file = settings.telemetry.sentry_dsn_file
        fix = _("The file %(path)s cannot be read: %(why)s.", path=file, why=i18n.reason_of(err))
        return Finding("errors", ok=False, detail="-", fix=fix, needed=False)


def _receiver(name: str, address: str, settings: Settings) -> Finding:
    if not address:
        return Finding(name, ok=True, detail="-")
    host = urlsplit(address).hostname or ""
    try:
        vouched(settings.network, address).check_allowed(host)
    except DomainError as err:
        return Finding(name, ok=False, detail=host, fix=str(err), needed=False)
    return Finding(name, ok=True, detail=host)


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"


_CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _python, _memory, _shared_memory, _data, _room, _key, _kit, _configuration, _port, _clock, _time_zones, _open_files, _swap, _ocr,
    _ffmpeg, _certificate, _traces, _log_lines, _errors,
)  # fmt: skip
