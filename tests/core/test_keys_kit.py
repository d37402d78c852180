"""The emergency kit: any n of its m shares give the root back, and nothing else does."""

import itertools

import pytest

from appliance.core import crypto, emergency_kit, envelope, key_slots
from appliance.core.config import KeySettings, Settings
from appliance.core.errors import Conflict, Refused

ROOT = bytes(range(32))


@pytest.fixture(scope="module")
def kit():
    return emergency_kit.split(ROOT, threshold=3, shares=5)


@pytest.fixture
def settings(tmp_path):
    settings = Settings(home=tmp_path / "home", keys=KeySettings(master_key_file=tmp_path / "etc" / "master.key"))
    crypto.create_master_key(settings.keys.master_key_file)
    key_slots.rotate_key_file(settings)
    return settings


def test_any_three_of_five_give_the_root(kit):
    for some in itertools.combinations(kit, 3):
        assert emergency_kit.join(some) == ROOT
    assert emergency_kit.join([*reversed(kit), kit[0]]) == ROOT
    assert emergency_kit.needed_by(kit[:1]) == 3


def test_too_few_shares_are_counted(kit):
    with pytest.raises(Refused, match="2 different shares were given, this kit needs 3"):
        emergency_kit.join([kit[0], kit[1], kit[1]])


def test_share_with_a_mistake_is_named(kit):
    words = kit[1].split()
    wrong = " ".join([*words[:10], words[11], words[10], *words[12:]])
    with pytest.raises(Refused, match="Share 2 has a word that is wrong"):
        emergency_kit.join([kit[0], wrong, kit[2]])
    with pytest.raises(Refused, match="Share 1 has a word"):
        emergency_kit.join(["these are no words at all"])


def test_shares_of_two_kits_do_not_mix(kit):
    other = emergency_kit.split(ROOT, threshold=3, shares=5)
    with pytest.raises(Refused, match="different kits"):
        emergency_kit.join([kit[0], kit[1], other[2]])


def test_kit_that_makes_no_sense_is_refused():
    for threshold, shares in ((1, 5), (4, 3), (2, 17)):
        with pytest.raises(Refused, match="Choose 2 to 16"):
            emergency_kit.split(ROOT, threshold=threshold, shares=shares)


def test_box_without_its_key_file_gets_another(settings):
    root = envelope.open_root(settings)
    settings.keys.master_key_file.unlink()
    key_slots.put_back(settings, root)
    assert envelope.open_root(settings) == root
    assert settings.keys.master_key_file.read_bytes() != root
    assert not key_slots.standing(settings).holds_root


def test_wrong_key_file_is_kept_aside(settings):
    root = envelope.open_root(settings)
    settings.keys.master_key_file.write_bytes(b"x" * 32)
    key_slots.put_back(settings, root)
    assert envelope.open_root(settings) == root
    aside = [path for path in settings.keys.master_key_file.parent.iterdir() if "unusable" in path.name]
    assert [path.read_bytes() for path in aside] == [b"x" * 32]


def test_machine_without_data_gets_the_root_and_a_damaged_envelope_is_kept_aside(settings):
    root = envelope.open_root(settings)
    settings.keys.master_key_file.unlink()
    (settings.home / envelope.FILE).write_text("{")
    key_slots.put_back(settings, root)
    assert envelope.open_root(settings) == root
    assert key_slots.standing(settings).holds_root


def test_shares_of_another_box_are_refused_and_nothing_changes(settings):
    settings.keys.master_key_file.unlink()
    with pytest.raises(Refused, match="belong to another box"):
        key_slots.put_back(settings, ROOT)
    assert not settings.keys.master_key_file.exists()


def test_box_that_opens_needs_nothing_put_back(settings):
    with pytest.raises(Conflict, match="nothing is to be put back"):
        key_slots.put_back(settings, envelope.open_root(settings))


def test_kit_is_remembered_and_a_rotation_leaves_it_good(settings):
    root = envelope.open_root(settings)
    assert key_slots.standing(settings).kit is None
    lines = emergency_kit.split(root, threshold=2, shares=3)
    key_slots.note_kit(settings, 2, 3)
    key_slots.rotate_key_file(settings)
    found = key_slots.standing(settings)
    assert (found.kit.threshold, found.kit.shares) == (2, 3)
    assert envelope.fingerprint(emergency_kit.join(lines[1:])) == found.fingerprint
    assert len(crypto.derive(root, "backups")) == crypto.KEY_BYTES
