import time

import pytest

from appliance.domains.conversations.rules import searching


@pytest.mark.parametrize("piece", ["1", "1.", "1 ", "1-(", "a1"])
def test_a_message_of_digits_is_read_in_the_time_of_any_other(piece):
    began = time.process_time()
    searching.forms_in(piece * (60_000 // len(piece)))
    assert time.process_time() - began < 10
