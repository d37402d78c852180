import pytest

from appliance.core.config import Settings
from appliance.entrypoints.boot import boot


@pytest.mark.only_database("sqlite")
@pytest.mark.parametrize(("process", "first"), [("web", True), ("live", True), ("worker-slow", False), ("scheduler", False)])
def test_who_people_wait_for_writes_first(
    settings: Settings,
    process: str,
    first: bool,  # noqa: FBT001 - a case
) -> None:
    box = boot(process, settings)
    assert box.database.turns is not None
    assert box.database.turns.goes_first is first
    box.close()
