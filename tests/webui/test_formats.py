"""Times and numbers as a reader says them."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.core.clock import now
from appliance.core.i18n import in_locale
from webui import formats
from webui.timezones import timezone_name


def test_a_message_of_another_day_says_its_day(app):
    with app.test_request_context(), in_locale("pt_BR"):
        then = now() - timedelta(days=3)
        assert formats.said_at(now()) == formats.clock_time(now())
        assert formats.said_at(then) == f"{then.astimezone(formats.timezone()):%d/%m %H:%M}"


@pytest.mark.parametrize(("kept", "read"), [
    ("+5511955120148", "+55 11 95512-0148"), ("5511955120148", "+55 11 95512-0148"), ("+55 11 95512-0148", "+55 11 95512-0148"),
    ("+351211234567", "+351 21 123 4567"), ("ramal 3", "ramal 3"),
])  # fmt: skip
def test_a_phone_is_read_alike_wherever_it_came_from(kept, read):
    assert formats.phone(kept) == read


@pytest.mark.parametrize(("locale", "read"), [("pt_BR", "Domingo, 22 de novembro"), ("en", "Sunday, 22 November")])
def test_a_day_is_written_as_its_language_writes_it(app, locale, read):
    with app.test_request_context(), in_locale(locale):
        assert formats.weekday(datetime(2026, 11, 22, 15, tzinfo=UTC)) == read


def test_a_time_zone_goes_by_the_name_of_the_list_it_is_chosen_from():
    with in_locale("pt_BR"):
        assert timezone_name("America/Sao_Paulo") == "Brasília, São Paulo, Rio, Sul"
        assert timezone_name("Europe/Lisbon") == "Lisboa"
