"""Continuous integration does not take a test that never ran for one that passed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest, skipping

ROOT = Path(__file__).parents[2]
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
HOOKS = ("pytest_runtest_logreport", "pytest_sessionfinish", "pytest_terminal_summary")


@pytest.mark.parametrize(
    ("reason", "ci", "code", "parallel"),
    [
        ("tesseract is not installed", "true", 1, ()),
        ("tesseract is not installed", "true", 1, ("-p", "xdist.plugin", "-n", "1")),
        ("tesseract is not installed", "", 0, ()),
        ("the package x is not installed here", "true", 0, ()),
    ],
)
def test_a_skip_for_want_of_a_program_fails_in_ci(tmp_path, reason, ci, code, parallel):
    (tmp_path / "conftest.py").write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tests.skipping import *\n")
    (tmp_path / "test_it.py").write_text(f"import pytest\ndef test_it(): pytest.skip({reason!r})\ndef test_that(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), *parallel, str(tmp_path)]
    found = subprocess.run(command, cwd=tmp_path, env=os.environ | BARE | {"CI": ci}, capture_output=True, text=True, check=False)
    assert (found.returncode, "does not accept" in found.stdout) == (code, code == 1), found.stdout + found.stderr


def test_the_tests_of_this_repository_are_watched_so():
    assert [name for name in HOOKS if getattr(conftest, name) is not getattr(skipping, name)] == []


def test_what_is_begun_first_is_there(request):
    """A list that names what is gone would be passed over without a word."""
    assert [name for name in conftest.LONGEST if not (ROOT / name).is_file()] == []
    files = list(dict.fromkeys(item.nodeid.split("::")[0] for item in request.session.items))
    begun = [name for name in conftest.LONGEST if name in files]
    assert files[: len(begun)] == begun
