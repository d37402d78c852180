import itertools

from sqlalchemy.exc import IntegrityError

from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.jobs import Step
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.events import ImportStarted
from appliance.domains.contacts.rules import spreadsheets
from appliance.domains.contacts.types import ImportRow, ImportStatus

SLICE_ROWS = 1000


def run_import(step: Step, event: ImportStarted) -> None:
    """Slice by slice, each committed with the place it reached: whoever takes over goes on from there."""
    with step.read() as uow:
        run = queries.get_import(uow, event.import_id)
    if run.status is not ImportStatus.RUNNING or run.file_id is None:
        return
    content = step.box.blobs.read_all(step.tenant_id, run.file_id)
    rows = spreadsheets.iter_rows(content, run.encoding, run.delimiter)
    remaining = itertools.islice(rows, 1 + run.rows_done, None)  # 1: the headers
    while piece := list(itertools.islice(remaining, SLICE_ROWS)):
        _bring_in(step, event, piece)
    with step.finish() as uow:
        finished = actions.finish_import(uow, event.import_id)
    if finished.file_id is None:
        step.box.blobs.delete(step.tenant_id, run.file_id)


def _bring_in(step: Step, event: ImportStarted, piece: list[ImportRow]) -> None:
    try:
        with step.progress() as uow:
            actions.import_slice(uow, event.import_id, piece)
    except IntegrityError as err:  # a webhook stored one of these people between our look and our write
        raise Unavailable(_("The contacts changed during the import. It goes on in a moment."), retry_after=1) from err
