from datetime import datetime, timedelta

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.contacts.errors import MergeRefused

UNDOABLE_FOR = timedelta(days=30)


def check_may_undo(*, merged_at: datetime, undone_at: datetime | None, merged_again: bool, now: datetime) -> None:
    """Raises MergeRefused. `merged_again`: the kept contact has itself become part of another since."""
    if undone_at is not None:
        raise MergeRefused(_("This merge was already undone."))
    if now - merged_at > UNDOABLE_FOR:
        raise MergeRefused(_("A merge can be undone for 30 days; this one is older."))
    if merged_again:
        raise MergeRefused(_("This contact was merged again since. Undo the later merge first."))
