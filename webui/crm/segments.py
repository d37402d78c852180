"""Segments: saved filters, built of conditions, counted while they are built; frozen into lists they are changed in `lists`."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from pydantic import Field, ValidationError
from werkzeug import Response

from appliance.core.errors import Refused
from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery, parse
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import Condition, ContactOut, ContactsQuery, SegmentGroup, SegmentIn, SegmentOut, SegmentTree
from appliance.domains.contacts.types import ASKED_OF_MOMENTS, TESTS, WITHOUT_VALUE, Match, SegmentField, SegmentKind, SegmentTest
from webui.crm.pages import pages
from webui.crm.people import owner_options
from webui.crm.words import EVENTS, consent_options, options

E = TypeVar("E", bound=StrEnum)
READ, WRITE = "contacts:read", "contacts:write"
MOST_GROUPS, MOST_CONDITIONS = 10, 20
MOST_CANDIDATES = 10


class SegmentQuery(PageQuery):
    """`q`: who is looked for, to be put into a list."""

    q: str = Field("", max_length=200)


@dataclass
class Row:
    """A condition as far as it was chosen."""

    field: SegmentField = SegmentField.TAG
    test: SegmentTest = SegmentTest.HAS
    value: str = ""
    key: str = ""

    @property
    def needs_value(self) -> bool:
        return self.test not in WITHOUT_VALUE

    @property
    def needs_key(self) -> bool:
        """Which attribute, or of how many days what happened is asked for."""
        return self.field is SegmentField.ATTRIBUTE or (self.field is SegmentField.EVENT and self.test in ASKED_OF_MOMENTS)

    def condition(self) -> Condition | None:
        try:
            return Condition(field=self.field, test=self.test, value=self.value if self.needs_value else "", key=self.key)
        except ValidationError:
            return None


@dataclass
class Rows:
    match: Match = Match.ALL
    rows: list[Row] = field(default_factory=lambda: [Row()])


@dataclass
class Draft:
    name: str = ""
    match: Match = Match.ALL
    groups: list[Rows] = field(default_factory=lambda: [Rows()])

    def values(self) -> dict[str, object]:
        """As it was chosen, to be judged by the schema."""
        groups = [
            {"match": group.match, "conditions": [vars(row) | ({} if row.needs_value else {"value": ""}) for row in group.rows]}
            for group in self.groups
        ]
        return {"name": self.name, "tree": {"match": self.match, "groups": groups}}

    def countable(self) -> SegmentTree:
        """Without the conditions that are not finished yet."""
        groups = []
        for group in self.groups:
            finished = (row.condition() for row in group.rows)
            groups.append(SegmentGroup(match=group.match, conditions=[one for one in finished if one is not None]))
        try:
            return SegmentTree(match=self.match, groups=groups)
        except ValidationError:
            return SegmentTree()


@pages.get("/segments", permission=READ)
def segments(uow: UnitOfWork) -> str:
    return render_template("crm/segments.html", segments=queries.list_segments(uow), members=queries.count_members(uow))


@pages.get("/segments/new", permission=WRITE)
def new_segment(uow: UnitOfWork) -> str:
    return _page(uow, Draft())


@pages.post("/segments/new", permission=WRITE)
def create_segment(uow: UnitOfWork) -> Response | tuple[str, int]:
    draft = _typed()
    try:
        made = actions.create_segment(uow, parse(SegmentIn, draft.values()))
    except Refused as err:
        return _page(uow, draft, problem=err), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("Saved."))
    return redirect(url_for("crm.segment", segment_id=made.id))


@pages.post("/segments/build", permission=READ)
def build_segment(uow: UnitOfWork) -> str:
    """What is chosen so far, with the condition that was asked for or without the one that was dropped, and how many fit."""
    draft = _typed()
    _rebuild(draft, request.form.get("add", ""), request.form.get("drop", ""))
    return render_template("crm/_segment_builder.html", **_shown(uow, draft))


@pages.get("/segments/<uuid:segment_id>", permission=READ, query=SegmentQuery)
def segment(uow: UnitOfWork, segment_id: UUID, query: SegmentQuery) -> str:
    found = SegmentOut.model_validate(queries.get_segment(uow, segment_id))
    return _page(uow, _draft_of(found), found=found, people=_people(uow, segment_id, query), q=query.q)


@pages.post("/segments/<uuid:segment_id>", permission=WRITE)
def save_segment(uow: UnitOfWork, segment_id: UUID) -> Response | tuple[str, int]:
    draft = _typed()
    found = SegmentOut.model_validate(queries.get_segment(uow, segment_id))
    if found.kind is SegmentKind.STATIC:  # only its name is asked for
        draft = replace(_draft_of(found), name=draft.name)
    try:
        actions.change_segment(uow, segment_id, parse(SegmentIn, draft.values()))
    except Refused as err:
        people = _people(uow, segment_id, PageQuery(page=1))
        return _page(uow, draft, found=found, people=people, problem=err), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("Saved."))
    return redirect(url_for("crm.segment", segment_id=segment_id))


@pages.post("/segments/<uuid:segment_id>/delete", permission=WRITE)
def delete_segment(uow: UnitOfWork, segment_id: UUID) -> Response:
    actions.delete_segment(uow, segment_id)
    flash(_("The segment was deleted. Nobody in it was touched."))
    return redirect(url_for("crm.segments"))


def _people(uow: UnitOfWork, segment_id: UUID, query: PageQuery) -> Page[ContactOut]:
    page = queries.list_segment_contacts(uow, segment_id, query)
    return Page([ContactOut.model_validate(row) for row in page.items], page.total, page.page, page.limit)


def _draft_of(found: SegmentOut) -> Draft:
    groups = [Rows(group.match, [Row(one.field, one.test, one.value, one.key) for one in group.conditions]) for group in found.tree.groups]
    return Draft(found.name, found.tree.match, groups or [Rows()])


def _typed() -> Draft:
    """The boxes are called g<group>-<condition>-field, -test, -value and -key."""
    groups = [Rows(_one_of(Match, f"g{i}-match"), list(_rows(i))) for i in range(MOST_GROUPS) if f"g{i}-match" in request.form]
    return Draft(request.form.get("name", "").replace("\x00", "").strip(), _one_of(Match, "match"), groups or [Rows()])


def _rows(group: int) -> Iterator[Row]:
    for number in range(MOST_CONDITIONS):
        place = f"g{group}-{number}"
        if f"{place}-field" not in request.form:
            continue
        about = _one_of(SegmentField, f"{place}-field")
        wanted = request.form.get(f"{place}-test", "")
        test = SegmentTest(wanted) if wanted in TESTS[about] else TESTS[about][0]
        value, key = (request.form.get(f"{place}-{part}", "").replace("\x00", "").strip() for part in ("value", "key"))
        yield Row(about, test, value[:200], key[:80] if Row(about, test).needs_key else "")


def _one_of(kind: type[E], name: str) -> E:
    """What was chosen, or the first there is."""
    wanted = request.form.get(name, "")
    return kind(wanted) if wanted in set(kind) else next(iter(kind))


def _rebuild(draft: Draft, add: str, drop: str) -> None:
    if add == "group" and len(draft.groups) < MOST_GROUPS:
        draft.groups.append(Rows())
    for i, group in enumerate(draft.groups):
        if add == f"g{i}" and len(group.rows) < MOST_CONDITIONS:
            group.rows.append(Row())
        group.rows = [row for j, row in enumerate(group.rows) if drop != f"g{i}-{j}"]
    draft.groups = [group for group in draft.groups if group.rows] or [Rows()]


def _shown(uow: UnitOfWork, draft: Draft) -> dict[str, object]:
    return {
        "draft": draft, "count": _count(uow, draft.countable()), "field_options": options(*SegmentField),
        "test_options": options(*SegmentTest), "tests": {about.value: [test.value for test in fits] for about, fits in TESTS.items()},
        "match_options": options(*Match), "tags": queries.list_tags(uow),
        "choices": {SegmentField.CONSENT.value: consent_options(), SegmentField.OWNER.value: owner_options(uow)[1:],
                    SegmentField.EVENT.value: [(kind, str(words)) for kind, words in EVENTS.items()]},
    }  # fmt: skip


def _count(uow: UnitOfWork, tree: SegmentTree) -> int | None:
    """Nothing to count while no condition is finished: everybody is not meant."""
    return queries.count_fitting(uow, tree) if any(group.conditions for group in tree.groups) else None


def _page(
    uow: UnitOfWork,
    draft: Draft,
    *,
    found: SegmentOut | None = None,
    people: Page[ContactOut] | None = None,
    problem: Refused | None = None,
    q: str = "",
) -> str:
    said = "" if problem is None else str(next(iter(problem.fields.values()), problem.message))
    if found is None or found.kind is SegmentKind.LIVE:
        return render_template("crm/segment.html", segment=found, page=people, problem=said, **_shown(uow, draft))
    near = _candidates(uow, q)
    return render_template("crm/list.html", segment=found, page=people, problem=said, name=draft.name, q=q, candidates=near)


def _candidates(uow: UnitOfWork, q: str) -> list[ContactOut]:
    found = queries.list_contacts(uow, ContactsQuery(q=q, page=1, limit=MOST_CANDIDATES)).items if q.strip() else []
    return [ContactOut.model_validate(row) for row in found]
