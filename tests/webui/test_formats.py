"""Times as a reader says them."""

from datetime import timedelta

from appliance.core.clock import now
from appliance.core.i18n import in_locale
from webui import formats


def test_a_message_of_another_day_says_its_day(app):
    with app.test_request_context(), in_locale("pt_BR"):
        then = now() - timedelta(days=3)
        assert formats.said_at(now()) == formats.clock_time(now())
        assert formats.said_at(then) == f"{then.astimezone(formats.timezone()):%d/%m %H:%M}"
