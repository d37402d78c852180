"""What is promised to customers."""

import re
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import ConfigDict, Field, ValidationError
from werkzeug import Response

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, Schema, read_form
from appliance.domains.channels import queries as channels
from appliance.domains.conversations import actions, queries, schemas
from appliance.domains.conversations.types import Priority, PromiseKind
from appliance.domains.identity import queries as identity
from webui import hours as week
from webui.fields import Name
from webui.inbox.deadlines import KINDS, PRIORITIES
from webui.inbox.pages import MANAGE, pages

_BOX = re.compile(r"^targets\.(\w+)\.(\w+)$")
Answer = Response | tuple[str, int]
USUAL = {Priority.URGENT: (15, 30, 240), Priority.HIGH: (30, 60, 480), Priority.NORMAL: (60, 120, 1440), Priority.LOW: (240, 480, None)}


class TimesQuery(Schema):
    edit: UUID | None = None


class PolicyForm(Schema):
    """`reach` is nothing, or `channel:` or `team:` and an id. The minutes come as `urgent_first_reply` and the like."""

    model_config = ConfigDict(extra="allow")

    name: Name
    reach: str = Field("", max_length=60)

    def wanted(self) -> schemas.SlaPolicyIn:
        """Raises pydantic.ValidationError."""
        raw = self.model_extra or {}
        kind, _colon, scope_id = self.reach.partition(":")
        targets = {
            priority.value: {kind.value: minutes for kind in PromiseKind if (minutes := str(raw.get(cell(priority, kind), "")).strip())}
            for priority in Priority
        }
        return schemas.SlaPolicyIn.model_validate(
            {"name": self.name, "targets": targets, "channel_id": None, "team_id": None, **({f"{kind}_id": scope_id} if scope_id else {})}
        )


def cell(priority: Priority, kind: PromiseKind) -> str:
    return f"{priority.value}_{kind.value}"


def _refused(form: Form[PolicyForm], err: ValidationError | DomainError) -> Form[PolicyForm]:
    """What is wrong with minutes is tied to their box; what is about none stands above the form."""
    found = form.refused(err).errors
    return Form(None, {_BOX.sub(r"\1_\2", name) if name != "body" else "": said for name, said in found.items()}, form.raw)


@pages.get("/inbox/settings/times", permission=MANAGE, query=TimesQuery)
def times(uow: UnitOfWork, query: TimesQuery) -> str:
    return _page(uow, Form(None, {}, {}), edited=query.edit)


@pages.post("/inbox/settings/times/policies", permission=MANAGE)
def create_times(uow: UnitOfWork) -> Answer:
    return _save_policy(uow, None)


@pages.post("/inbox/settings/times/policies/<uuid:policy_id>", permission=MANAGE)
def change_times(uow: UnitOfWork, policy_id: UUID) -> Answer:
    return _save_policy(uow, policy_id)


@pages.post("/inbox/settings/times/policies/<uuid:policy_id>/delete", permission=MANAGE)
def delete_times(uow: UnitOfWork, policy_id: UUID) -> Response:
    actions.delete_policy(uow, policy_id)
    flash(gettext("Deleted."))
    return redirect(url_for("inbox.times"))


def _save_policy(uow: UnitOfWork, policy_id: UUID | None) -> Answer:
    form = read_form(PolicyForm)
    if form.value is not None:
        try:
            wanted = form.value.wanted()
            actions.change_policy(uow, policy_id, wanted) if policy_id else actions.create_policy(uow, wanted)
        except (ValidationError, DomainError) as err:
            form = _refused(form, err)
    if form.value is None:
        return _page(uow, form, edited=policy_id), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(gettext("Saved."))
    return redirect(url_for("inbox.times"))


def _page(uow: UnitOfWork, form: Form[PolicyForm], *, edited: UUID | None) -> str:
    """Raises SlaPolicyNotFound. What was typed and refused is shown again."""
    hours = identity.get_hours(uow)
    policies = [schemas.SlaPolicyOut.model_validate(row) for row in queries.list_policies(uow)]
    policy = schemas.SlaPolicyOut.model_validate(queries.get_policy(uow, edited)) if edited else None
    reaches = [
        ("", _("Every conversation")),
        *((f"team:{row.id}", gettext("Team: %(name)s", name=row.name)) for row in queries.list_teams(uow)),
        *((f"channel:{row.id}", gettext("Channel: %(name)s", name=row.name)) for row in channels.list_channels(uow)),
    ]
    return render_template(
        "inbox/times.html", tab="times", policies=policies, edited=policy, errors=form.errors,
        hours=hours, week=week.summary(hours.spans), values={**_shown_policy(policy), **form.raw},
        reaches=reaches, reach_names=dict(reaches), reach_of=reach_of,
        priorities=PRIORITIES, kinds=KINDS, cell=cell, figures=queries.list_figures(uow),
    )  # fmt: skip


def reach_of(policy: schemas.SlaPolicyOut) -> str:
    if policy.team_id:
        return f"team:{policy.team_id}"
    return f"channel:{policy.channel_id}" if policy.channel_id else ""


def _shown_policy(policy: schemas.SlaPolicyOut | None) -> dict[str, Any]:
    """A new one begins with usual times."""
    if policy is None:
        usual = {cell(priority, kind): at or "" for priority, row in USUAL.items() for kind, at in zip(PromiseKind, row, strict=True)}
        return {"name": "", "reach": "", **usual}
    kept = {
        cell(priority, kind): getattr(targets, kind.value) or "" for priority, targets in policy.targets.items() for kind in PromiseKind
    }
    return {"name": policy.name, "reach": reach_of(policy), **kept}
