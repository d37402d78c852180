"""Every kind of timeline entry that the code writes has an icon and words."""

import re

from tests.architecture.house import sources
from webui.crm.words import HAPPENINGS

WRITTEN = re.compile(r"""(?:\bkind=|add_timeline_entries\(uow, )"([a-z_]+\.[a-z_]+)\"""")


def test_no_kind_is_shown_as_something_that_happened():
    written = {kind for source in sources("appliance/domains") for kind in WRITTEN.findall(source.text)}
    assert {"contact.created", "message.received"} <= written
    assert written <= HAPPENINGS.keys()
