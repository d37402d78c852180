import json

import pytest

from webui.assets import vendor_lock

LOCK = json.loads((vendor_lock.VENDOR / "VENDOR.lock").read_text())


def test_lock_says_what_stands_in_the_folder():
    assert vendor_lock.lock() == LOCK


def test_every_vendored_script_is_locked():
    assert {path.name for path in vendor_lock.VENDOR.glob("*.js")} == set(LOCK)


@pytest.mark.parametrize("name", LOCK)
def test_vendored_script_asks_for_nothing_outside(name):
    text = (vendor_lock.VENDOR / name).read_text()
    assert "sourceMappingURL" not in text
    assert "eval(" not in text
    assert "new Function" not in text
