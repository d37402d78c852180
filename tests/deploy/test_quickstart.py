"""installers/quickstart.sh as a person or a machine runs it: no terminal, no questions, twice, two at once, on the wrong machine."""

import fcntl
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.house import ROOT

QUICKSTART = ROOT / "installers/quickstart.sh"


def _run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [QUICKSTART, *arguments],
        env={**os.environ, "LC_ALL": "", "LC_MESSAGES": "", "LANG": "C.UTF-8", "PIP_NO_COMPILE": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the set-up has finished once."""
    folder = tmp_path_factory.mktemp("prefix") / "with a space"
    done = _run("--no-start", "--prefix", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_set_up_leaves_a_command_that_works_from_anywhere(prefix: Path, tmp_path: Path) -> None:
    asked = subprocess.run([prefix / ".venv/bin/salesedge", "--version"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    imported = subprocess.run([prefix / ".venv/bin/python", "-c", "import appliance, webui, modelserver"], cwd=tmp_path, check=False)
    assert imported.returncode == 0


@pytest.mark.slow
def test_second_run_does_nothing_twice(prefix: Path) -> None:
    done = _run("--no-start", "--prefix", prefix)
    assert done.returncode == 0, done.stderr
    assert "everything is installed already" in done.stdout
    assert "Python packages" not in done.stdout


@pytest.mark.slow
def test_no_start_says_how_to_start(prefix: Path) -> None:
    last = _run("--no-start", "--prefix", prefix).stdout.splitlines()[-1]
    assert last == f"Start it with: {prefix}/.venv/bin/salesedge up"


@pytest.mark.slow
def test_the_box_goes_on_in_the_language_of_the_set_up(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[server]\nport = 0\n")
    refused = _run("--prefix", prefix, "--home", tmp_path, SALESEDGE_CONFIG=str(tmp_path / "config.toml"), LANG="pt_BR.UTF-8")
    assert refused.returncode == 1
    assert refused.stderr.endswith("Erro: A configuração não é válida: server.port: Informe 1 ou mais.\n")


@pytest.mark.slow
def test_set_up_that_was_cut_off_is_taken_up_again(prefix: Path) -> None:
    (stamp,) = (prefix / ".venv").glob(".salesedge-*")
    stamp.unlink()
    done = _run("--no-start", "--prefix", prefix)
    assert done.returncode == 0, done.stderr
    assert "Python packages" in done.stdout
    assert stamp.exists()


@pytest.mark.slow
def test_two_at_once_take_turns(prefix: Path) -> None:
    with (prefix / ".salesedge-setup.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        command = [QUICKSTART, "--no-start", "--prefix", prefix]
        spoken = {**os.environ, "LC_ALL": "", "LC_MESSAGES": "", "LANG": "C.UTF-8"}
        second = subprocess.Popen(command, env=spoken, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert second.stdout.readline() == f"Another set-up is running in {prefix}; waiting for it to finish.\n"
        assert second.poll() is None
    assert second.wait(timeout=180) == 0
    second.stdout.close()


def _python_that_says(version: str, folder: Path) -> str:
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("version", ["3.9.2", "3.10.14", "2.7.18"])
def test_old_python_is_refused_in_a_sentence(version: str, tmp_path: Path) -> None:
    done = _run("--no-start", "--prefix", tmp_path / "new", SALESEDGE_PYTHON=_python_that_says(version, tmp_path))
    assert done.returncode == 1
    assert f"SalesEdge needs Python 3.11 or newer, and this machine has {version}" in done.stderr
    assert not (tmp_path / "new/.venv").exists()


def test_registry_that_cannot_be_reached_is_said_in_a_sentence(tmp_path: Path) -> None:
    no_network = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    done = _run("--no-start", "--prefix", tmp_path, **no_network, PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 1
    assert "the package registry could not be reached" in done.stderr
    assert "goes on where it stopped" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--prot", "80"), "Unknown option: --prot"),
        (("--port",), "--port needs a value."),
        (("--port", "eighty"), "--port takes a number from 1 to 65535, not 'eighty'."),
        (("--port", "70000"), "--port takes a number from 1 to 65535, not '70000'."),
    ],
)
def test_wrong_usage_is_exit_code_two_and_changes_nothing(arguments: tuple[str, ...], sentence: str) -> None:
    done = _run(*arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == sentence


def test_data_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _run("--no-start", "--home", tmp_path / "file/home")
    assert done.returncode == 1
    assert f"the data folder {tmp_path}/file/home cannot be made." in done.stderr


def test_help_needs_nothing() -> None:
    done = _run("--help")
    assert done.returncode == 0
    assert "--prefix DIR" in done.stdout


def test_a_portuguese_console_is_spoken_to_in_portuguese(tmp_path: Path) -> None:
    assert "põe o ambiente virtual em DIR/.venv" in _run("--help", LANG="pt_BR.UTF-8").stdout
    assert "Uso: installers/quickstart.sh" in _run("--help", LC_ALL="pt_BR.UTF-8", LANG="en_US.UTF-8").stdout
    assert _run("--port", "oitenta", LANG="pt_BR.UTF-8").stderr.startswith("--port recebe um número de 1 a 65535, não 'oitenta'.\n")
    old = _run("--no-start", "--prefix", tmp_path, LANG="pt_PT", SALESEDGE_PYTHON=_python_that_says("3.9.2", tmp_path))
    assert "quickstart.sh não terminou: o SalesEdge precisa do Python 3.11 ou mais novo, e esta máquina tem 3.9.2" in old.stderr


def test_every_sentence_has_its_portuguese_and_none_is_left_over() -> None:
    spoken = "".join((ROOT / "installers" / name).read_text(encoding="utf-8") for name in ("steps.sh", "quickstart.sh"))
    table = (ROOT / "installers/portuguese.sh").read_text(encoding="utf-8")
    translated = dict(re.findall(r'^  \["(.+)"\]="(.+)"$', table, re.MULTILINE))
    said = set(re.findall(r'\b(?:t|say|note|step|fail|wrong) "([^"$\n]+)"', spoken))
    assert said - set(translated) == set()
    assert [sentence for sentence in translated if sentence not in spoken] == []
    assert [one for one, other in translated.items() if re.findall("%[sd]", one) != re.findall("%[sd]", other)] == []
