import itertools
from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.events import DuplicatesFound, DuplicatesWanted, ImportFinished, ImportStarted
from appliance.domains.contacts.gateways.workbook import read_workbook
from appliance.domains.contacts.rules import duplicates, spreadsheets
from appliance.domains.contacts.rules.importing import Rehearsal
from appliance.domains.contacts.tables import ContactImport
from appliance.domains.contacts.types import WORKBOOK, ImportRow, ImportStatus

SLICE_ROWS = 1000
CARDS_AT_ONCE = 2000
GROUPS_AT_ONCE = 200


def run_import(step: Step, event: ImportStarted) -> None:
    """Slice by slice, each committed with the place it reached: whoever takes over goes on from there."""
    with step.read() as uow:
        run = queries.get_import(uow, event.import_id)
    if run.status is not ImportStatus.RUNNING or run.file_id is None:
        return
    content = step.box.blobs.read_all(step.tenant_id, run.file_id)
    try:
        rows = _rows(step, run, content)
    except InvalidField as err:
        with step.finish() as uow:
            actions.refuse_import(uow, run.id, err)
        return
    next(rows, None)  # the headers
    done, rehearsal = itertools.islice(rows, run.rows_done), Rehearsal()
    while piece := list(itertools.islice(done, SLICE_ROWS)):
        if run.dry_run:
            with step.read() as uow:
                actions.rehearse_again(uow, run.id, piece, rehearsal)
    while piece := list(itertools.islice(rows, SLICE_ROWS)):
        _bring_in(step, event, piece, rehearsal)
    with step.finish() as uow:
        actions.finish_import(uow, event.import_id)


def _rows(step: Step, run: ContactImport, content: bytes) -> Iterator[ImportRow]:
    """Raises InvalidField for an Excel file that cannot be read to its end."""
    if run.encoding != WORKBOOK:
        return spreadsheets.iter_rows(content, run.encoding, run.delimiter)
    text = read_workbook(content).text
    total = sum(1 for _row in spreadsheets.iter_rows(text, "utf-8", ",")) - 1
    with step.progress() as uow:
        actions.count_rows(uow, run.id, total)
    return spreadsheets.iter_rows(text, "utf-8", ",")


def _bring_in(step: Step, event: ImportStarted, piece: Sequence[ImportRow], rehearsal: Rehearsal) -> None:
    try:
        with step.progress() as uow:
            actions.import_slice(uow, event.import_id, piece, rehearsal)
    except IntegrityError as err:  # a webhook stored one of these people between our look and our write
        raise Unavailable(_("The contacts changed during the import. It goes on in a moment."), retry_after=1) from err


def look_after_import(uow: UnitOfWork, event: ImportFinished) -> None:
    if not queries.get_import(uow, event.import_id).dry_run:
        actions.want_duplicates(uow)


def find_duplicates(step: Step, event: DuplicatesWanted) -> None:
    """Everybody's keys first, then those who share one: what is held at a time is ids, and nobody is compared with everybody."""
    del event
    with step.read() as uow:
        named = [(card.id, list(duplicates.keys(card))) for card in _everybody(uow)]
    sharing = duplicates.groups(named)
    found = 0
    for start in range(0, len(sharing), GROUPS_AT_ONCE):
        found += _suggest(step, sharing[start : start + GROUPS_AT_ONCE])
    with step.finish() as uow:
        uow.emit(DuplicatesFound(found))


def _everybody(uow: UnitOfWork) -> Iterator[duplicates.Card]:
    last: UUID | None = None
    while piece := queries.list_names_after(uow, last, limit=CARDS_AT_ONCE):
        yield from piece
        last = piece[-1].id


def _suggest(step: Step, groups: Sequence[Sequence[UUID]]) -> int:
    with step.read() as uow:
        cards = queries.list_cards(uow, {person for group in groups for person in group})
    pairs = [pair for group in groups for pair in duplicates.pairs([cards[person] for person in group if person in cards])]
    if not pairs:
        return 0
    with step.progress() as uow:
        return actions.suggest(uow, pairs)
