"""installers/install.sh over the network, on a bare machine of the other Debian: 13 on 12, 12 on 13. Then its systemd starts it.

This machine's own release is installed from a bundle (tests/deploy/test_bundle.py).
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import __version__
from tests.architecture.house import ROOT
from tests.deploy import bare, main_job
from tests.deploy.units import MOST_EXPOSED, SERVICES

LIMIT_S = 1800
ANSWERS = """
backup_targets:
  disk:
    repository: /var/backups/salesedge
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(LIMIT_S + 600)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all of networked.sh was done, and then of networked_job.sh."""
    if reason := bare.why_not():
        pytest.skip(reason)
    root, release = tmp_path_factory.mktemp("networked") / "root", bare.other_release()
    bare.make(root, release)
    bare.reach_the_network(root, release)
    (root / "srv/salesedge").mkdir()
    bare.copy_tree(root / "srv/salesedge")
    (root / "out/answers.yml").write_text(ANSWERS)
    for name in ("networked.sh", "networked_job.sh", "serving.sh", "main_job.py"):
        shutil.copy(ROOT / "tests/deploy" / name, root / "out")
    bare.run(root, root / "out/networked.sh", timeout_s=LIMIT_S)
    bare.boot(root, root / "out/networked_job.sh", timeout_s=LIMIT_S)
    yield root
    bare.remove(root)


def test_it_is_installed_over_the_network(root: Path) -> None:
    assert f"VERSION_CODENAME={bare.other_release()}\n" in (root / "etc/os-release").read_text(encoding="utf-8")
    assert bare.said(root, "first.code") == "0\n", bare.said(root, "first")[-4000:]
    code = re.search(r"Open https://box\.test/setup and enter the one-time code \S+", bare.said(root, "first"))
    assert code is not None, bare.said(root, "first")[-2000:]


def test_what_was_lost_comes_again_and_nothing_else_is_changed(root: Path) -> None:
    assert bare.said(root, "lost.code") == "1\n"
    assert bare.said(root, "mended.code") == "0\n", bare.said(root, "mended")[-4000:]
    assert bare.recap(bare.said(root, "mended"))["changed"] == len(("the Debian package", "the Python package")), bare.said(root, "mended")
    assert "por" in bare.said(root, "languages").split()
    assert bare.said(root, "found.code") == "0\n", bare.said(root, "found")


def test_check_mode_says_that_another_release_would_come_and_brings_none(root: Path) -> None:
    said = bare.said(root, "check")
    assert bare.said(root, "check.code") == "0\n", said[-4000:]
    recap = bare.recap(said)
    assert (recap["failed"], recap["unreachable"]) == (0, 0), said
    assert recap["changed"] > 0, said
    assert bare.said(root, "releases.after") == bare.said(root, "releases.before") != ""


def test_the_machine_starts_it_and_it_does_its_main_job(root: Path) -> None:
    assert bare.said(root, "started.answer") == f"200 {__version__}\n", bare.said(root, "console")[-4000:]
    running = {line.split()[0] for line in bare.said(root, "units").splitlines()}
    assert running >= {unit.replace("@.", "@1.") for unit in SERVICES}
    assert (bare.said(root, "failed.code"), bare.said(root, "failed")) == ("0\n", "")
    assert bare.said(root, "job.code") == "0\n", bare.said(root, "job")
    main_job.is_cited(json.loads(bare.said(root, "job")))


def test_it_is_backed_up_and_a_drill_brings_it_back(root: Path) -> None:
    for name in ("backup", "drill"):
        assert bare.said(root, f"{name}.code") == "0\n", bare.said(root, name)


def test_its_systemd_finds_every_unit_as_confined_as_ours_does(root: Path) -> None:
    judged = re.findall(r"^(salesedge-\S+)\s+([0-9.]+)", bare.said(root, "exposure"), re.MULTILINE)
    assert len(judged) >= len(SERVICES), bare.said(root, "exposure")
    assert {unit: shown for unit, shown in judged if float(shown) > MOST_EXPOSED} == {}
