"""A look changes nothing, since programs follow links too: a person presses the button."""

from typing import Literal
from uuid import UUID

from flask import render_template
from pydantic import Field

from appliance.core.errors import Refused
from appliance.core.i18n import gettext as _
from appliance.core.web import PUBLIC, Call, Pages, Schema, read_form
from appliance.domains.conversations import actions, queries
from webui import branding

pages = Pages("rating", __name__)
ADDRESS = "/rate/<uuid:survey_id>/<string(length=40):proof>"
Score = Literal["1", "2", "3", "4", "5"]


class RateQuery(Schema):
    score: Score | None = None


class RateForm(Schema):
    score: Score
    comment: str = Field("", max_length=1000)


@pages.get(ADDRESS, access=PUBLIC, unit=False, query=RateQuery)
def rate(call: Call, survey_id: UUID, proof: str, query: RateQuery) -> str:
    tenant_id, is_open = queries.check_rater(call.box, survey_id, proof)
    return render_template(
        "rating/rate.html", brand=branding.brand_of(tenant_id), survey_id=survey_id, proof=proof, is_open=is_open, chosen=query.score,
        words=queries.score_words(),
    )  # fmt: skip


@pages.post(f"{ADDRESS}/vote", access=PUBLIC, unit=False)
def rated(call: Call, survey_id: UUID, proof: str) -> str:
    tenant_id, _is_open = queries.check_rater(call.box, survey_id, proof)
    form = read_form(RateForm)
    if form.value is None:
        raise Refused(_("Choose one of the five, and keep the comment short."))
    actions.rate(call.box, survey_id, proof, score=int(form.value.score), comment=form.value.comment)
    return render_template("rating/rated.html", brand=branding.brand_of(tenant_id))
