import gzip

import pytest

from webui import static_files

KB = 1024
BASE_SCRIPTS_KB = 45
BASE_STYLES_KB = 30
TREE = static_files.load_tree()


def zipped(*names):
    return sum(len(TREE.files[name].zipped) for name in names) / KB


def test_base_scripts_stay_within_their_budget():
    ours = [name for name in TREE.files if name.startswith("js/") and name.count("/") == 1]
    assert zipped("vendor/htmx.js", *ours) <= BASE_SCRIPTS_KB


def test_styles_stay_within_their_budget():
    assert zipped("app.css") <= BASE_STYLES_KB


def test_layer_order_is_stated_before_anything_else():
    sheet = TREE.files["app.css"].body.decode()
    assert sheet.index("@layer reset, tokens, base, layout, components, screens;") < sheet.index("{")


def test_address_changes_with_any_byte(tmp_path):
    (tmp_path / "css").mkdir()
    for name in static_files.SHEETS:
        (tmp_path / "css" / f"{name}.css").write_text("")
    before = static_files.load_tree(tmp_path).hash
    (tmp_path / "css" / "base.css").write_text("b{}")
    assert static_files.load_tree(tmp_path).hash != before


def test_a_file_that_does_not_exist_has_no_address():
    with pytest.raises(KeyError):
        TREE.url("js/absent.js")


def test_compressed_form_is_the_same_file():
    file = TREE.files["js/shell.js"]
    assert gzip.decompress(file.zipped) == file.body
