"""What a brand says around every mail of its organisation."""

import pytest

from appliance.core.ids import NIL
from appliance.domains.branding import actions as branding
from appliance.domains.branding.schemas import BrandValues
from tests.domains.channels.email.conftest import mail
from tests.domains.channels.email.test_sending import answer, arrive, parsed, written  # noqa: F401 - fixtures

pytestmark = pytest.mark.only_database("sqlite")


def test_a_mail_carries_its_brand_above_and_below(box, arrive, answer, post_office):  # noqa: F811
    with box.whole_box("test") as uow:
        branding.save_draft(uow, NIL, BrandValues(mail_header="Solara <Energia>", mail_footer="CNPJ 00\nhttps://solara.example"), {})
        branding.publish(uow, NIL)
    answer(arrive(mail()), "Custa R$ 900.")
    sent = parsed(post_office.taken[0])
    plain, page = written(sent, "plain"), written(sent, "html")
    assert plain.startswith("Solara <Energia>\n\nCusta R$ 900.")
    assert plain.endswith("CNPJ 00\nhttps://solara.example\n")
    assert page.index("Solara &lt;Energia&gt;") < page.index("Custa R$ 900.") < page.index('<a href="https://solara.example">')
