"""What the content security policy would break in a browser is found here first."""

import re

import pytest

from webui.static_files import ROOT

TEMPLATES = ROOT.parent / "templates"
BANNED = {
    "hx-on runs code from markup": re.compile(r"\bhx-on[:=]"),
    "a trigger filter is evaluated": re.compile(r"hx-trigger=[\"'][^\"']*\["),
    "js: values are evaluated": re.compile(r"hx-(?:vals|headers|confirm|get|post)=[\"'](?:js|javascript):"),
    "a style attribute is refused": re.compile(r"\sstyle="),
    "an inline style sheet is refused": re.compile(r"<style\b"),
    "an inline handler is refused": re.compile(r"<[a-z][^>{]*\son[a-z]+=", re.IGNORECASE),
    "an inline script is refused": re.compile(r"<script(?![^>]*\bsrc=)"),
    "another origin is refused": re.compile(r"(?:src|href|action)=[\"'](?:https?:)?//"),
    "text goes out escaped": re.compile(r"\|\s*safe\b"),
}
FILES = sorted(path for path in TEMPLATES.rglob("*.html"))
SCRIPTS = sorted((ROOT / "js").rglob("*.js"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_template_keeps_to_the_policy(path):
    text = path.read_text()
    assert [why for why, pattern in BANNED.items() if pattern.search(text)] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_never_writes_markup(path):
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text())


@pytest.mark.parametrize(
    "text", ['<b hx-on:click="x">', '<i hx-trigger="click[ctrlKey]">', '<p style="x">', "<script>1</script>", "{{ x|safe }}"]
)
def test_the_bans_find_what_they_ban(text):
    assert any(pattern.search(text) for pattern in BANNED.values())
