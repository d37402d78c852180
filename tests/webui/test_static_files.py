import gzip
import re
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest

from webui import static_files

KB = 1024
BASE_SCRIPTS_KB = 45
BASE_STYLES_KB = 30
TREE = static_files.load_tree()
TEMPLATES = Path(static_files.__file__).parent / "templates"
LAYOUTS = ("layouts/base.html", "layouts/app.html")
ASKED_FOR = re.compile(r'asset\("((?:js|vendor)/[^"]+\.js)"\)')
IMPORTED = re.compile(r'^(?:import|export)\b[^;]*?"(\.[^"]+)"', re.MULTILINE)


def zipped(*names):
    return sum(len(TREE.files[name].zipped) for name in names) / KB


def asked_for(*templates):
    return {name for template in templates for name in ASKED_FOR.findall((TEMPLATES / template).read_text())}


def with_imports(names):
    """What a browser fetches before the page is at work: these and all they import."""
    found, waiting = set(), set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        if name.startswith("js/"):
            imported = IMPORTED.findall(TREE.files[name].body.decode())
            waiting |= {normpath(join(dirname(name), path)) for path in imported} - found
    return found


SCREENS = sorted(name for path in TEMPLATES.rglob("*.html") if asked_for(name := path.relative_to(TEMPLATES).as_posix()))


@pytest.mark.parametrize("screen", SCREENS)
def test_scripts_that_a_page_loads_at_first_stay_within_their_budget(screen):
    assert zipped(*with_imports(asked_for(*LAYOUTS, screen))) <= BASE_SCRIPTS_KB


def test_a_script_that_not_every_page_loads_lies_in_the_folder_of_its_screen():
    at_the_top = {name for name in TREE.files if name.startswith("js/") and name.count("/") == 1}
    assert at_the_top - with_imports(asked_for(*LAYOUTS)) == set()


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
