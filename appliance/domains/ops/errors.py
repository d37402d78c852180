from appliance.core.errors import Conflict, NotFound, Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _


class NoSuchTarget(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(_("There is no backup target “%(name)s”. Name one in the configuration, under [backup.targets].", name=name))


class NoSuchBackup(NotFound):
    def __init__(self) -> None:
        super().__init__(_("This target holds no such backup."))


class AlreadyRunning(Conflict):
    def __init__(self) -> None:
        super().__init__(_("A backup or a drill is running already. Wait until it ends."))


class BackupFailed(Unavailable):
    """Worth another try later."""


class TookTooLong(BackupFailed):
    """A program did not end in time."""


class JournalGone(BackupFailed):
    """PostgreSQL let go of journal that was not fetched."""


class NotMounted(BackupFailed):
    def __init__(self, path: object) -> None:
        super().__init__(_("%(path)s is not mounted. Plug the disk in or mount the share; the box tries again by itself.", path=path))


class NoRepository(BackupFailed):
    """Nothing there yet, or no longer."""


class OtherKey(Refused):
    def __init__(self) -> None:
        said = _("This target's backups have another key. Bring the old box's key file and keys.json, or use its emergency kit.")
        super().__init__(said)


class NotEmpty(Conflict):
    """A restore would write over a box."""


class WrongReceipt(Refused):
    pass
