"""An update from its first step to its last, and back from each: `docs/adr/0031-updates.md` says why in this order."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Any

from appliance import __version__
from appliance.core import clock, releases, updates
from appliance.core.config import config_file
from appliance.core.errors import DomainError
from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext, reason_of
from appliance.core.releases import BadRelease, order_of
from appliance.core.updates import CHANGED, TOUCHES_NOTHING, Journal, Outcome, Releases, Step
from appliance.entrypoints.terminal import Failed
from appliance.entrypoints.updating import folders, running

if TYPE_CHECKING:
    from appliance.core.config import Settings
    from appliance.core.releases import Manifest, Release

Say = Callable[[str], None]
PATIENCE_S = 300.0
STEADY_S = 3.0
LEAST_S = 600.0
SLOWER = 10  # than on the copy: then a migration hangs
ALONE = "updating.copies"


def check(settings: Settings, file: Path) -> dict[str, Any]:
    """What the file is and whether this box could take it. Reads it to its end and changes nothing. Raises Failed, BadRelease, NotRoots."""
    here = _here()
    with opened(here, file) as release:
        _check_fits(settings, here, release.manifest)
        release.unpack(Path("/nonexistent"), only=())
        manifest = release.manifest
        return {"version": manifest.version, "from": __version__, "made_at": manifest.made_at, "signed_by": release.signed_by,
                "has_packages": manifest.has("wheels"), "migrations": sorted(set(manifest.revisions) - set(_revisions_here()))}  # fmt: skip


def _here() -> Releases:
    here = updates.releases()
    updates.check_is_roots(config_file(), here.root, *keys_folder(here).glob("*.pem"))
    return here


def keys_folder(here: Releases) -> Path:
    """Public keys, one of which has to have signed a release: an installed box has them where it has its program, which is root's."""
    return (here.root if here.is_installed else config_file().parent) / releases.KEYS_FOLDER


@contextmanager
def opened(here: Releases, file: Path) -> Iterator[Release]:
    try:
        with releases.opened(file, releases.trusted_keys(keys_folder(here))) as release:
            yield release
    except OSError as err:
        raise BadRelease(f"{file}: {reason_of(err)}") from err


def _revisions_here() -> dict[str, str]:
    return releases.revisions_of(folders.source_here())


def _check_fits(settings: Settings, here: Releases, manifest: Manifest) -> None:
    names = {"here": __version__, "there": manifest.version, "least": manifest.updates_from}
    if order_of(manifest.version) <= order_of(__version__):
        raise BadRelease(_("This box has %(here)s, and the file holds %(there)s. To go back: salesedge rollback.", **names))
    if order_of(__version__) < order_of(manifest.updates_from):
        raise BadRelease(_("%(there)s follows %(least)s or newer, and this box has %(here)s. Update to %(least)s first.", **names))
    changed = [name for name, sum_ in _revisions_here().items() if manifest.revisions.get(name) != sum_]
    if changed:
        raise BadRelease(_("This release does not follow the one on this box: migration %(name)s is another there.", name=changed[0]))
    folders.check_room(here, manifest)
    told = running.run(settings, here.python_of(here.now), ALONE, "size")
    if not told["at"]:
        return
    free, needed = disk_usage(told["at"]).free, 2 * told["size"] + folders.SPARE
    if needed > free:
        said = _("There is not enough room at %(path)s: %(needed)s MB are needed, %(free)s MB are free.")
        raise BadRelease(said % {"path": told["at"], "needed": needed // 10**6, "free": free // 10**6})


def update(settings: Settings, file: Path, say: Say, patience_s: float = PATIENCE_S) -> Journal:
    """The box is the new release when it returns. Raises Failed when it is the old one, with the step and the reason."""
    with _alone() as here, opened(here, file) as release:
        _check_fits(settings, here, release.manifest)
        if not here.now:
            here.remember_own()
        going = _Going(settings, here, say, patience_s)
        return going.forward(release)


def resume(settings: Settings, say: Say, patience_s: float = PATIENCE_S) -> Journal | None:
    """Ends what was cut off: wholly the new release from the moment its doors opened, else wholly the old one. None: nothing was."""
    with _alone(unfinished=True) as here:
        journal = here.read()
        if journal is None or journal.step is Step.DONE:
            return journal
        going = _Going(settings, here, say, patience_s, journal)
        if journal.step is Step.OPEN:
            return going.finish()
        return going.back(_("it was interrupted"), is_resumed=True)


def roll_back(settings: Settings, say: Say, *, discard: bool, patience_s: float = PATIENCE_S) -> Journal:
    """To the release before; its data come back as they were where the update changed tables. Raises Failed."""
    with _alone() as here:
        journal = here.read()
        if journal is None or journal.outcome is not Outcome.UPDATED or here.now != journal.after:
            raise Failed(_("There is no update to go back from."))
        if not here.python_of(journal.before).exists():
            raise Failed(_("The release before is not on this box any more. Install it and restore a backup."))
        if journal.migrates and not updates.keeps_copy(journal):
            raise Failed(_("The data from before the update are not kept any more. Install the release before and restore a backup."))
        if journal.migrates and not discard:
            said = _("Everything since %(when)s UTC would be lost: the update changed the tables. Take a backup, then say --discard.",
                     when=journal.ended_at[:16].replace("T", " "))  # fmt: skip
            raise Failed(said)
        going = _Going(settings, here, say, patience_s, journal)
        if journal.migrates:
            running.run(settings, here.python_of(journal.before), ALONE, "check-kept")
        going.step(Step.UNDO, outcome=Outcome.ROLLED_BACK, was_running=going.processes.are_running(), halted=True)
        return going.back("", outcome=Outcome.ROLLED_BACK)


@contextmanager
def _alone(*, unfinished: bool = False) -> Iterator[Releases]:
    here = _here()
    if here.is_installed and not os.access(here.root, os.W_OK):
        raise Failed(_("Only root changes the program of this box: put sudo before the command."))
    os.umask(0o022)  # the box's own user reads what root lays down, however this machine is hardened
    # a terminal that is closed is no reason to leave a box half-way; to be asked to end is, and is undone
    with here.alone() as is_alone, _heeding({signal.SIGHUP: signal.SIG_IGN, signal.SIGTERM: _interrupt}):
        if not is_alone:
            raise Failed(_("Another update of this box is under way."))
        journal = here.read()
        if not unfinished and journal is not None and journal.step is not Step.DONE:
            raise Failed(_(updates.INTERRUPTED))
        yield here


class _Going:
    """One update, where it has come to, and the box it is of."""

    def __init__(self, settings: Settings, here: Releases, say: Say, patience_s: float, journal: Journal | None = None) -> None:
        self.settings, self.here, self._say, self._patience_s = settings, here, say, patience_s
        self.processes = running.processes_of(settings, here)
        self._journal = journal

    @property
    def journal(self) -> Journal:
        assert self._journal is not None
        return self._journal

    def step(self, step: Step, **changes: Any) -> None:
        self._journal = self.here.write(self.journal, step=step, pid=os.getpid(), **changes)
        self._tell(str(SAID[step]))

    def _tell(self, sentence: str) -> None:
        with suppress(OSError):  # nobody listens any more
            self._say(sentence)

    def forward(self, release: Release) -> Journal:
        now = clock.now().isoformat(timespec="seconds")
        self._journal = Journal(Step.PREPARE, __version__, release.manifest.version, self.here.now, "", now)
        try:
            self.step(Step.PREPARE)
            self.step(Step.PREPARE, after=folders.prepare(self.settings, self.here, release))
            self._try_out()
            self._put_in_place()
        except BaseException as err:  # whatever it is, the box is not left standing
            if self.journal.step is Step.OPEN:  # it is the new release already
                raise
            reason = _reason_of(err)
            try:
                self.back(reason)
            except Exception as worse:
                raise Failed(f"{reason} / {_reason_of(worse)}. {_(updates.INTERRUPTED)}") from worse
            raise Failed(updates.said_of(self.journal)) from err
        return self.finish()

    def _try_out(self) -> None:
        """Nothing of the box is touched yet."""
        before, after = self.here.python_of(self.journal.before), self.here.python_of(self.journal.after)
        self.step(Step.BACKUP)
        if self.settings.backup.targets:
            self._run(before, "cli", "backup", "--json")
        self.step(Step.REHEARSE)
        began = time.monotonic()
        found = self._run(after, ALONE, "rehearse")
        self._migrates_within_s = max(LEAST_S, SLOWER * (time.monotonic() - began))
        self._known = self._failures(before)
        self.step(Step.REHEARSE, migrates=bool(found["migrates"]))

    def _put_in_place(self) -> None:
        before, after = self.here.python_of(self.journal.before), self.here.python_of(self.journal.after)
        self.here.keep_room()
        self.step(Step.STOP, halted=True, was_running=self.processes.are_running())
        self.processes.stop()
        self.step(Step.KEEP)
        if self.journal.migrates:
            self._run(before, ALONE, "keep")
            self.step(Step.MIGRATE)
            self._run(after, "cli", "migrate", "--json", timeout_s=self._migrates_within_s)
        self.step(Step.SWITCH)
        os.sync()  # what `current` points at from here on is on the disk
        self._switch_to(self.journal.after)
        self.step(Step.GATE, halted=False)
        self._start()
        self._await_well(after)
        self.step(Step.OPEN)

    def _switch_to(self, name: str) -> None:
        self.here.point_at(name)
        if isinstance(self.processes, running.Systemd):
            (other,) = {self.journal.before, self.journal.after} - {name}
            self.processes.take_units(*(self.here.root / one / "src/systemd" for one in (name, other)))

    def _start(self) -> None:
        if isinstance(self.processes, running.Foreground):
            pid = self.processes.start(waits=self.journal.was_running)
            if pid and self.journal.was_running:
                self._tell(_("`salesedge up` had ended. It was started again in the background, as process %(pid)d.", pid=pid))
        else:
            self.processes.start()

    def _await_well(self, python: Path) -> None:
        """All processes, for a while, and of what the doctor of the release before knew nothing fails that did not fail then."""
        if not running.wait_until(self.processes.are_up, self._patience_s):
            raise Failed(_("the new release was not ready after %(seconds)d seconds", seconds=self._patience_s))
        running.wait_until(lambda: False, STEADY_S)
        if not self.processes.are_up():
            raise Failed(_("the new release did not stay up"))
        if (version := self.processes.version()) != self.journal.to_version:
            raise Failed(_("another release answers: %(version)s", version=version or "?"))
        worse: set[str] = set()

        def is_well() -> bool:
            nonlocal worse
            known, now = self._known, self._failures(python)
            worse = {name for name, failed in now.items() if failed and known.get(name) is False}
            return not worse

        if not running.wait_until(is_well, self._patience_s / 2):
            raise Failed(_("the doctor finds what was well before: %(names)s", names=", ".join(sorted(worse))))

    def _failures(self, python: Path) -> dict[str, bool]:
        """By check of the doctor, whether it fails. What is only advice fails nothing."""
        command = [str(python), "-m", "appliance.entrypoints.cli", "doctor", "--json"]
        done = running.call(self.settings, command, LEAST_S)
        try:
            return {name: not told["ok"] and told["needed"] for name, told in json.loads(done.stdout).items()}
        except (ValueError, LookupError, AttributeError, TypeError) as err:
            raise Failed(_("the doctor did not answer: %(why)s", why=done.stderr.strip()[-200:])) from err

    def finish(self) -> Journal:
        """The doors are open: it is the new release."""
        if not self.journal.was_running:
            self.processes.leave()
        folders.sweep(self.here, self.journal.before, self.journal.after)
        self.here.give_room()
        self.step(Step.DONE, outcome=Outcome.UPDATED, ended_at=clock.now().isoformat(timespec="seconds"))
        return self.journal

    def back(self, reason: str, *, outcome: Outcome = Outcome.UNDONE, is_resumed: bool = False) -> Journal:
        """To the release before, from wherever it is; it may be cut off and begun again. The doors open with the last line."""
        with _heeding({signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_IGN}):
            return self._back(reason, outcome=outcome, is_resumed=is_resumed)

    def _back(self, reason: str, *, outcome: Outcome, is_resumed: bool) -> Journal:
        failed = self.journal.step if self.journal.step is not Step.UNDO else Step(self.journal.failed_step or Step.UNDO)
        outcome = self.journal.outcome or outcome
        before, is_off = self.here.python_of(self.journal.before), False
        self.here.give_room()
        if failed in TOUCHES_NOTHING:
            self._run(before, ALONE, "forget-rehearsal")
            outcome = Outcome.REFUSED
        else:
            self.step(Step.UNDO, failed_step=failed.value, reason=reason, halted=True)
            self.processes.stop()
            if failed in CHANGED and self.journal.migrates:
                if outcome is Outcome.ROLLED_BACK and self._run(before, ALONE, "hold")["held"]:
                    self._tell(str(HELD))
                self._run(before, ALONE, "put-back")
            self._switch_to(self.journal.before)
            self.step(Step.UNDO, halted=False)
            if self.journal.was_running:
                self._start()
                is_off = not (is_resumed or self._came_up())
        folders.sweep(self.here, self.journal.before, self.here.now)
        ended = clock.now().isoformat(timespec="seconds")
        self.step(Step.DONE, outcome=outcome, failed_step=failed.value, reason=reason, ended_at=ended, halted=False, is_off=is_off)
        return self.journal

    def _came_up(self) -> bool:
        try:
            return running.wait_until(self.processes.are_up, self._patience_s)
        except Failed:
            return False

    def _run(self, python: Path, module: str, *arguments: str, timeout_s: float = running.LONGEST_S) -> dict[str, Any]:
        return running.run(self.settings, python, module, *arguments, timeout_s=timeout_s)


def _reason_of(err: BaseException) -> str:
    if isinstance(err, Failed):
        return err.message
    if isinstance(err, KeyboardInterrupt):
        return _("it was interrupted")
    return str(err) if isinstance(err, (DomainError, OSError)) and str(err) else repr(err)[:300]


@contextmanager
def _heeding(ways: dict[signal.Signals, Any]) -> Iterator[None]:
    before = {sign: signal.signal(sign, way) for sign, way in ways.items()}
    try:
        yield
    finally:
        for sign, way in before.items():
            signal.signal(sign, way)


def _interrupt(*_args: object) -> None:
    raise KeyboardInterrupt


HELD = lazy_gettext(
    "What was due before the update is held among the jobs that failed. "
    "What follows a held job waits for somebody to try it again or discard it."
)
SAID: dict[Step, Any] = {
    Step.PREPARE: lazy_gettext("The release file is unpacked and its packages are installed."),
    Step.BACKUP: lazy_gettext("The box is backed up."),
    Step.REHEARSE: lazy_gettext("The migrations are tried on a copy of the data."),
    Step.STOP: lazy_gettext("The box stops."),
    Step.KEEP: lazy_gettext("The data are copied as they are."),
    Step.MIGRATE: lazy_gettext("The tables are migrated."),
    Step.SWITCH: lazy_gettext("The new release takes the place of the old one."),
    Step.GATE: lazy_gettext("The new release starts, and is looked at before its doors open."),
    Step.UNDO: lazy_gettext("The release before is put back."),
    Step.OPEN: lazy_gettext("The doors are open."),
    Step.DONE: lazy_gettext("Done."),
}
