"""What is amiss with the box, told above every page while it lasts: to who looks after it, and to those whose work it touches."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from babel.support import LazyProxy
from flask import current_app, render_template
from redis import RedisError

from appliance.core import machine, parts, timekeeping
from appliance.core.box import Box
from appliance.core.dispatch import JOB_TIMEOUT_S
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Call, Pages
from appliance.core.web.health import name_of, run_checks

pages = Pages("faults", __name__)
FRESH_S = 3.0  # all who look share one look
PATIENCE_S = 4.0  # of who asks; what hangs is waited for longer than a browser waits for us, and told to whoever asks next
LOOKING = "faults"  # a thread
COMES_UP_S = 10.0
SLOW_FRESH_S = 20.0  # a key may be made from a passphrase, a certificate is asked for
OPERATOR, KEEPER, EVERYBODY = "diagnostics:read", "health:read", "conversations:read"
QUEUE, CLOCK, KEY, CERTIFICATE, WORKERS, PARTS = "queue", "clock", "key", "certificate", "workers", "parts"
TOLD: dict[str, LazyProxy] = {
    "database": _("Nothing new can be stored: the disk is full, or the database does not answer."),
    QUEUE: _("Redis does not answer. Work waits in the database and is done once it is back."),
    WORKERS: _("Nobody takes the work that waits. It is kept, and done once the workers are back."),
    PARTS: _("A part of the box stands still. Answers, linked numbers, mail or timed work wait until it is back; nothing is lost."),
    "knowledge models": _("The model server does not answer. Agents find passages by their words alone, and answer later."),
    CLOCK: _("The clock was put forward or back. Signatures, opening hours and the 24 hours for answers go by it."),
    KEY: _("The master key cannot be opened. The box goes on, but what is started again now does not come up."),
    CERTIFICATE: _("The certificate of the box ends soon or has ended: browsers and WhatsApp will not come in."),
}
TOLD_TO_ALL: dict[str, LazyProxy] = {
    "database": _("Nothing new can be stored at the moment. What is stored is safe; try again in a moment."),
    QUEUE: _("Answers and messages go out late at the moment. Nothing is lost; it goes on by itself."),
    WORKERS: _("Answers and messages go out late at the moment. Nothing is lost; it goes on by itself."),
    PARTS: _("Answers and messages go out late at the moment. Nothing is lost; it goes on by itself."),
    "knowledge models": _("Agents may answer late or know less at the moment. It goes on by itself."),
}
FOR_OPERATORS = frozenset({KEY, CERTIFICATE})


@dataclass
class Watch:
    """One of a process: while one looks, the others are told what was found last."""

    _turn: threading.Lock = field(default_factory=threading.Lock)
    _found: tuple[str, ...] = ()
    _old_at: float = 0.0
    _slowly_found: tuple[str, ...] = ()
    _slow_old_at: float = 0.0
    _worked: set[str] = field(default_factory=set)
    _missing_since: float | None = None

    def look(self, box: Box) -> tuple[str, ...]:
        if time.monotonic() >= self._old_at and not self._turn.locked():
            looking = threading.Thread(target=self._look, args=(box,), name=LOOKING, daemon=True)
            looking.start()
            looking.join(PATIENCE_S)
        return self._found

    def _look(self, box: Box) -> None:
        if self._turn.acquire(blocking=False):
            try:
                self._found = tuple(self._amiss(box))
            finally:
                self._old_at = time.monotonic() + FRESH_S
                self._turn.release()

    def _amiss(self, box: Box) -> Iterator[str]:
        found = [name for name, result in run_checks(box, thorough=False).items() if name in TOLD and not result.ok]
        yield from found
        with suppress(RedisError):
            if QUEUE not in found:
                yield from self._standing_still(box)
        if not timekeeping.check(box.settings).ok:
            yield CLOCK
        if time.monotonic() >= self._slow_old_at:
            slow = {KEY: machine.key_opens, CERTIFICATE: machine.certificate_lasts}
            self._slowly_found = tuple(name for name, is_well in slow.items() if not is_well(box.settings))
            self._slow_old_at = time.monotonic() + SLOW_FRESH_S
        yield from self._slowly_found

    def _standing_still(self, box: Box) -> Iterator[str]:
        """A part that is silent may just be on its way up again: it is told when it still is a little later."""
        if not self._all_work(box):
            yield WORKERS
        if not parts.list_missing(box.redis):
            self._missing_since = None
            return
        self._missing_since = self._missing_since or time.monotonic()
        if time.monotonic() >= self._missing_since + COMES_UP_S:
            yield PARTS

    def _all_work(self, box: Box) -> bool:
        """Of the queues that had somebody: of a box that starts, they come one after another."""
        now = {queue for queue in JOB_TIMEOUT_S if box.dispatcher.workers(queue)}
        self._worked |= now
        return self._worked <= now


@pages.get("/faults", unit=False, limit=None)
def amiss(call: Call) -> str:
    """For the place above every page; empty while all is well."""
    watch: Watch = current_app.extensions.setdefault("faults", Watch())
    found = watch.look(call.box)
    if call.who.can(KEEPER):
        shown = [(_name(key), str(TOLD[key])) for key in found if key not in FOR_OPERATORS or call.who.can(OPERATOR)]
    elif call.who.can(EVERYBODY):
        shown = [("", said) for said in dict.fromkeys(str(TOLD_TO_ALL[key]) for key in found if key in TOLD_TO_ALL)]
    else:
        shown = []
    return render_template("layouts/_faults.html", faults=shown, keeps=call.who.can(KEEPER))


def _name(key: str) -> str:
    return str(machine.TITLES[key]) if key in machine.TITLES else name_of(key)
