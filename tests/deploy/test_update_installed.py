"""What an update asks for on a box that was installed for good: whose hands its program is in, and who lets it back or past."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import jinja2
import pytest

from appliance.core import updates
from appliance.core.updates import Journal, NotRoots, Releases, Step
from appliance.entrypoints.updating import updater
from tests.architecture.house import ROOT

ROLE = ROOT / "ansible/roles/app"
NAME = "1.2-0123456789ab"
BEGAN = "2026-01-01T00:00:00+00:00"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of others are made by root: run this test as root")
PLAY = """
- hosts: localhost
  gather_facts: false
  vars: {{app_root: {root}, app_version: "{version}"}}
  tasks:
    - block:
        - import_tasks: {tasks}
        - debug: {{msg: "said nothing"}}
      rescue:
        - debug: {{msg: "said {{{{ ansible_failed_result.msg }}}}"}}
"""


@pytest.mark.parametrize(
    ("who", "asked", "done"),
    [
        ("root", "update a.release", "program update a.release"),
        ("root", "rollback", "program rollback"),
        ("root", "status", "runuser -u salesedge -- program status"),
        ("root", "", "runuser -u salesedge -- program"),
        ("salesedge", "update a.release", "program update a.release"),
    ],
)
def test_root_changes_the_program_and_the_boxs_user_does_the_rest(tmp_path: Path, who: str, asked: str, done: str) -> None:
    played = {
        "id": f'[ "$1" = -un ] && echo {who} || echo {0 if who == "root" else 990}',
        "runuser": f'[ "$4" = test ] || echo runuser "$@" | sed s,{tmp_path}/opt/current/venv/bin/salesedge,program,',
        "opt/current/venv/bin/salesedge": 'echo program "$@"; env >&2',
    }
    for name, script in played.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    template = jinja2.Template((ROLE / "templates/salesedge.j2").read_text(encoding="utf-8"))
    told = {"base_home": tmp_path, "base_config": "/etc/salesedge", "base_user": "salesedge", "app_root": tmp_path / "opt"}
    (tmp_path / "salesedge").write_text(template.render(told))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    command = ["sh", tmp_path / "salesedge", *asked.split()]
    said = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == done
    if done.startswith("program"):
        assert {f"SALESEDGE_HOME={tmp_path}", "SALESEDGE_CONFIG=/etc/salesedge/config.toml"} <= set(said.stderr.splitlines())


def test_keys_of_releases_lie_where_the_program_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESEDGE_CONFIG", str(tmp_path / "etc/config.toml"))
    assert updater.keys_folder(Releases(tmp_path / "opt")) == tmp_path / "opt/release-keys"
    assert updater.keys_folder(Releases(tmp_path / "home/releases")) == tmp_path / "etc/release-keys"


@as_root
def test_root_goes_by_nothing_that_others_may_change(tmp_path: Path) -> None:
    config, somebody = tmp_path / "etc/config.toml", 65534
    config.parent.mkdir()
    updates.check_is_roots(config)  # nothing there is nobody's
    config.touch()
    updates.check_is_roots(config)
    for path, mode, owner in ((config, 0o640, somebody), (config, 0o664, 0), (config.parent, 0o700, somebody), (config.parent, 0o770, 0)):
        path.chmod(mode)
        os.chown(path, owner, -1)
        with pytest.raises(NotRoots) as refused:
            updates.check_is_roots(config)
        assert str(path) == str(refused.value)
        os.chown(path, 0, -1)
        path.chmod(0o755)
    config.parent.chmod(0o1770)  # others make files there, and move none but their own
    updates.check_is_roots(config)
    config.unlink()
    config.symlink_to("/etc/hostname")
    os.chown(config, somebody, -1, follow_symlinks=False)
    with pytest.raises(NotRoots):
        updates.check_is_roots(config)


@as_root
@pytest.mark.parametrize("asked", ["status", "up"])
def test_root_starts_no_program_that_the_boxs_user_laid_down(tmp_path: Path, asked: str) -> None:
    """However root came to a program that was not installed, as by a checkout of its own."""
    here, ran = Releases(tmp_path / "home/releases"), tmp_path / "ran"
    forged = here.root / "99.0-000000000000/venv/bin/python"
    forged.parent.mkdir(parents=True)
    forged.write_text(f"#!/bin/sh\ntouch {ran}\n")
    forged.chmod(0o755)
    if asked == "up":  # an update that was cut off is ended first
        here.write(Journal(Step.GATE, "1.1", "1.2", "", "", BEGAN, halted=True))
        (here.root / "own").write_text(str(forged))
    else:
        here.current.symlink_to("99.0-000000000000")
    os.chown(tmp_path / "home", 65534, 65534)
    command = [sys.executable, "-m", "appliance.entrypoints.cli", asked]
    own = os.environ | {"SALESEDGE_HOME": str(tmp_path / "home"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, ran.exists()) == (1, False), done.stdout + done.stderr
    assert f"Others than root may change {tmp_path / 'home'}, so root" in done.stderr


@as_root
def test_nobody_else_holds_the_lock_and_everybody_sees_who_updates() -> None:
    with tempfile.TemporaryDirectory() as folder:  # where others may look
        Path(folder).chmod(0o755)
        here = Releases(Path(folder) / "opt")

        def is_seen() -> tuple[bool, bool]:
            """By root, and by somebody else."""
            by_root = here.is_being_updated()
            os.seteuid(65534)
            try:
                with pytest.raises(PermissionError):
                    (here.root / "update.lock").open()
                return by_root, here.is_being_updated()
            finally:
                os.seteuid(0)

        with here.alone() as is_alone:
            assert is_alone
            journal = here.write(Journal(Step.MIGRATE, "1.1", "1.2", "", "", BEGAN, pid=os.getpid()))
            assert is_seen() == (True, True)
        here.write(journal, pid=2**22 + 1)  # of none
        assert is_seen() == (False, False)


def _played(folder: Path, play: Path, *more: str, hosts: str = "localhost,") -> subprocess.CompletedProcess[str]:
    ways = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_PIPELINING": "1"}
    own = os.environ | ways | {"HOME": str(folder), "LC_ALL": "C.UTF-8"}
    here = ["-i", hosts, "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    command = [Path(sys.executable).parent / "ansible-playbook", *here, *more, play]
    return subprocess.run(command, env=own, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)


def _said(folder: Path, *asked: tuple[Path, str]) -> list[str]:
    """What the role says of a box before it changes anything, when asked to install a version there."""
    play, tasks = folder / "play.yml", ROLE / "tasks/present.yml"
    play.write_text("".join(PLAY.format(root=root, version=version, tasks=tasks) for root, version in asked))
    done = _played(folder, play)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r'"msg": "said (.*?)"', done.stdout)


def test_a_box_that_is_newer_is_left_alone_from_the_first_task_on(tmp_path: Path) -> None:
    newer = tmp_path / "99.0-0123456789ab"
    newer.mkdir()
    (tmp_path / "current").symlink_to(newer)
    told = ["--check", "-e", f"app_root={tmp_path}", "-e", "ansible_become=false"]
    done = _played(tmp_path, ROOT / "ansible/site.yml", *told, hosts="salesedge,")
    assert done.returncode != 0
    assert "This box has 99.0" in done.stdout
    assert set(re.findall(r"^TASK \[(.*?) : ", done.stdout, re.MULTILINE)) == {"app"}


def test_another_run_of_the_installation_does_not_silently_go_back(tmp_path: Path) -> None:
    whole, begun = tmp_path / "whole", tmp_path / "begun"
    for root in (whole, begun):
        (root / NAME).mkdir(parents=True)
        (root / "current").symlink_to(root / NAME)
    Releases(begun).write(Journal(Step.GATE, "1.1", "1.2", "1.1-aaaaaaaaaaaa", NAME, BEGAN, halted=True))
    older, newer, cut_off = _said(tmp_path, (whole, "1.1.9"), (whole, "1.10"), (begun, "1.2"))
    assert "This box has 1.2, and 1.1.9 is older" in older
    assert newer == "nothing"
    assert "salesedge update --resume" in cut_off
