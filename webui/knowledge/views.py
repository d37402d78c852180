"""Documents, the question box, and what could not be answered."""

from collections.abc import Iterator
from contextlib import closing
from typing import Literal
from uuid import UUID

from flask import flash, redirect, render_template, stream_with_context, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, PageQuery, Schema, event_stream, read_form
from appliance.domains.knowledge import actions, queries
from appliance.domains.knowledge.types import Answer, DocumentStatus, GapStatus
from webui.citations import cited
from webui.knowledge import filing, presenting
from webui.knowledge.pages import ASK, READ, WRITE, pages

__all__ = ["filing", "pages"]

CHUNKS_SHOWN = 20
STATUSES = {"busy": DocumentStatus.PROCESSING, "failed": DocumentStatus.FAILED, "live": DocumentStatus.PROCESSED}


class ListQuery(PageQuery):
    show: Literal["all", "live", "busy", "failed"] = "all"
    q: str = Field("", max_length=200)
    limit: int = Field(25, ge=1, le=100)


class DocumentQuery(ListQuery):
    chunk: int | None = Field(None, ge=0)
    chunks_page: int = Field(1, ge=1, le=100_000)


class QuestionForm(Schema):
    question: str = Field(min_length=1, max_length=2000)


class GapForm(Schema):
    answer: str = Field(min_length=1, max_length=20_000)


@pages.get("/knowledge", permission=READ, query=ListQuery)
def documents(uow: UnitOfWork, query: ListQuery) -> str:
    return render_template("knowledge/documents.html", chosen=None, **_listing(uow, query))


@pages.get("/knowledge/<uuid:document_id>", permission=READ, query=DocumentQuery)
def document(uow: UnitOfWork, document_id: UUID, query: DocumentQuery) -> str:
    chosen = queries.view_document(uow, document_id)
    page = query.chunk // CHUNKS_SHOWN + 1 if query.chunk is not None else query.chunks_page
    chunks = queries.list_chunks(uow, document_id, page=page, limit=CHUNKS_SHOWN)
    return render_template(
        "knowledge/documents.html", chosen=chosen, chunks=chunks, shown_chunk=query.chunk, versions=queries.list_versions(uow, document_id),
        **_listing(uow, query),
    )  # fmt: skip


@pages.post("/knowledge/ask", permission=ASK, unit=False)
def ask(call: Call) -> Response:
    """The answer as it is written: each message takes the place of the one before, the last has the sources too."""
    form = read_form(QuestionForm)
    if form.value is None:
        return event_stream(iter([_message(problem=gettext("Write a question first."))]))
    return event_stream(stream_with_context(_messages(call, form.value.question)))


def _messages(call: Call, question: str) -> Iterator[str]:
    answer = None
    try:
        with closing(actions.stream_answer(call.box, call.who.tenant_id, question, actor=call.who.actor)) as growing:
            for answer in growing:
                yield _message(answer=answer, is_whole=False)
        if answer is not None:
            yield _message(answer=answer, is_gap=actions.leaves_gap(question, answer.language, answered=answer.answered))
    except DomainError as err:
        yield _message(problem=str(err))


def _message(*, answer: Answer | None = None, is_whole: bool = True, is_gap: bool = False, problem: str = "") -> str:
    html = cited(answer.text, len(answer.sources), "source-") if answer else ""
    shown = render_template("knowledge/_answer.html", answer=answer, html=html, is_whole=is_whole, is_gap=is_gap, problem=problem)
    return "".join(f"data: {line}\n" for line in shown.splitlines()) + "\n"


@pages.post("/knowledge/<uuid:document_id>/reindex", permission=WRITE)
def reindex(uow: UnitOfWork, document_id: UUID) -> Response:
    actions.reindex_document(uow, document_id)
    flash(gettext("Reading it again. The present version answers until the new one is ready."))
    return redirect(url_for("knowledge.document", document_id=document_id))


@pages.post("/knowledge/<uuid:document_id>/delete", permission=WRITE)
def delete(uow: UnitOfWork, document_id: UUID) -> Response:
    name = queries.get_document(uow, document_id).filename
    actions.delete_document(uow, document_id)
    flash(gettext("%(name)s was deleted, with its passages and vectors.", name=name))
    return redirect(url_for("knowledge.documents"))


@pages.get("/knowledge/gaps", permission=READ, query=PageQuery)
def gaps(uow: UnitOfWork, query: PageQuery) -> str:
    return render_template("knowledge/gaps.html", page=queries.list_gaps(uow, page=query.page, limit=query.limit))


@pages.post("/knowledge/gaps/<uuid:gap_id>/fill", permission=WRITE, unit=False)
def fill_gap(call: Call, gap_id: UUID) -> Response:
    form = read_form(GapForm)
    if form.value is None:
        flash(gettext("Write the answer first."), "bad")
        return redirect(url_for("knowledge.gaps"))
    actions.fill_gap(call.box, call.who.tenant_id, gap_id, form.value.answer)
    flash(gettext("Thank you. From now on the box answers this."))
    return redirect(url_for("knowledge.gaps"))


@pages.post("/knowledge/gaps/<uuid:gap_id>/dismiss", permission=WRITE)
def dismiss_gap(uow: UnitOfWork, gap_id: UUID) -> Response:
    actions.dismiss_gap(uow, gap_id)
    return redirect(url_for("knowledge.gaps"))


def _listing(uow: UnitOfWork, query: ListQuery) -> dict[str, object]:
    page = queries.list_documents(uow, page=query.page, limit=query.limit, status=STATUSES.get(query.show), q=query.q)
    return {
        "page": page,
        "query": query,
        "searchable": queries.count_searchable(uow),
        "notices_of": presenting.notices_of,
        "open_gaps": queries.list_gaps(uow, status=GapStatus.OPEN, limit=1).total,
        "pips": presenting.pips,
        "state_of": presenting.state_of,
        "steps_of": presenting.steps_of,
    }
