"""What the terminal says, in the language of the box."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.core import crypto
from appliance.entrypoints.cli import cli

PASSWORD = "a long and quiet sentence"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A box that was set up from the terminal, and commands given in an English one."""
    (tmp_path / "password").write_text(PASSWORD)
    monkeypatch.setenv("SALESEDGE_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SALESEDGE__KEYS__MASTER_KEY_FILE", str(tmp_path / "master.key"))
    monkeypatch.setenv("SALESEDGE__LOGS__LEVEL", "error")
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    crypto.create_master_key(tmp_path / "master.key")
    runner = CliRunner()

    def command(*arguments: str):
        return runner.invoke(cli, list(arguments))

    made = command(
        "setup", "--email", "ana@solara.example", "--password-file", str(tmp_path / "password"), "--tenant", "Solara", "--json"
    )
    assert made.exit_code == 0, made.output
    return command


def test_a_portuguese_box_speaks_portuguese_whatever_the_terminal_speaks(run) -> None:
    doctor, status = run("doctor"), run("status")
    assert "database: responde" in doctor.output
    assert "As tarefas esperam no banco de dados até o Redis voltar; nada se perde." in doctor.output
    for said in (doctor.output, status.output):
        for english in ("answers", "every chain holds", "Work waits", "writes the", "does not answer", "Free some space", "FAIL"):
            assert english not in said, said
    assert (doctor.exit_code, status.exit_code) == (1, 1)


def test_programs_read_the_verdict_not_the_words(run) -> None:
    told = json.loads(run("doctor", "--json").output)
    assert told["key"]["ok"]
    assert not told["queue"]["ok"]
