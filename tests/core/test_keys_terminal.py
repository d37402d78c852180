"""`salesedge keys` as an operator meets it."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from appliance.core import emergency_kit, envelope
from appliance.core.config import load_settings
from appliance.entrypoints.cli import cli

PASSPHRASE = "quatro cavalos em fila"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("SALESEDGE_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SALESEDGE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("SALESEDGE__KEYS__MASTER_KEY_FILE", str(tmp_path / "master.key"))
    monkeypatch.setenv("SALESEDGE__LOGS__LEVEL", "error")
    monkeypatch.setenv("LC_ALL", "en")
    return lambda *arguments, said="": CliRunner().invoke(cli, list(arguments), input=said)


@pytest.fixture
def box(run, tmp_path):
    (tmp_path / "password").write_text("girafa-violeta-trem-sereno")
    made = run("setup", "--email", "ana@solara.example", "--password-file", str(tmp_path / "password"), "--tenant", "Solara")
    assert made.exit_code == 0, made.output
    return run


def told(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_slots_are_added_rotated_and_taken_away_again(box, tmp_path):
    root = envelope.open_root(load_settings())
    (tmp_path / "words").write_text(f"{PASSPHRASE}\n")
    assert told(box("keys", "add-slot", "words", "--passphrase-file", str(tmp_path / "words"), "--json"))["kind"] == "passphrase"
    assert told(box("keys", "rotate", "--json"))["name"] == "key-file"
    found = told(box("keys", "status", "--json"))
    assert [slot["name"] for slot in found["slots"]] == ["words", "key-file"]
    assert (found["kit"], found["key_file_is_root"]) == (None, False)
    assert box("keys", "remove-slot", "words").output == "Slot words opens nothing any more.\n"
    refused = box("keys", "remove-slot", "key-file")
    assert (refused.exit_code, refused.output) == (1, "Error: The last slot of a box stays. Add another first.\n")
    assert envelope.open_root(load_settings()) == root
    assert box("status", "--json").output.startswith("{")


def test_passphrase_typed_twice_differently_changes_nothing(box):
    refused = box("keys", "add-slot", "words", "--passphrase", said=f"{PASSPHRASE}\nsomething else\n")
    assert refused.exit_code == 1
    assert "not the same" in refused.output
    assert told(box("keys", "status", "--json"))["slots"] == []


def test_wrong_usage_is_exit_code_two(box):
    assert box("keys", "add-slot", "words").exit_code == 2
    assert box("keys", "kit", "--needed", "4", "--shares", "3").exit_code == 2


@pytest.mark.parametrize("asked", [True, False])
def test_lost_key_comes_back_from_paper(box, tmp_path, asked):
    lines = told(box("keys", "kit", "--shares", "4", "--needed", "2", "--json"))["lines"]
    (tmp_path / "master.key").unlink()
    lost = box("status")
    assert lost.exit_code == 1
    assert "it does not exist. Restore it from your emergency copy." in lost.output
    (tmp_path / "shares").write_text("\n".join([lines[3], "", lines[1]]))
    given = {"said": f"{lines[3]}\n{lines[1]}\n"} if asked else {}
    back = box("keys", "recover", *(() if asked else ("--shares-file", str(tmp_path / "shares"))), **given)
    assert back.exit_code == 0, back.output
    assert "opens this box again" in back.output
    found = told(box("keys", "status", "--json"))
    assert (found["kit"]["threshold"], found["kit"]["shares"]) == (2, 4)
    assert [slot["name"] for slot in found["slots"]] == ["key-file"]


def test_too_few_shares_and_those_of_another_box_are_refused(box, tmp_path):
    lines = told(box("keys", "kit", "--json"))["lines"]
    (tmp_path / "master.key").unlink()
    (tmp_path / "shares").write_text("\n".join(lines[:2]))
    refused = box("keys", "recover", "--shares-file", str(tmp_path / "shares"))
    assert (refused.exit_code, refused.output) == (1, "Error: 2 different shares were given, this kit needs 3.\n")
    (tmp_path / "shares").write_text("\n".join(emergency_kit.split(bytes(32), threshold=2, shares=2)))
    refused = box("keys", "recover", "--shares-file", str(tmp_path / "shares"))
    assert refused.exit_code == 1
    assert "another box" in refused.output
    (tmp_path / "data" / "keys.json").unlink()  # the rows alone tell as well
    refused = box("keys", "recover", "--shares-file", str(tmp_path / "shares"))
    assert refused.exit_code == 1
    assert "belongs to another box" in refused.output
    assert not (tmp_path / "master.key").exists()


def test_kit_is_not_laid_beside_what_it_opens(box, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "data")
    refused = box("keys", "kit", "--out", "kit.html")
    assert (refused.exit_code, (tmp_path / "data/kit.html").exists()) == (1, False)
    assert f"{tmp_path}/data/kit.html lies in the data folder" in refused.output
    monkeypatch.chdir(tmp_path)
    assert f"{tmp_path}/kit.html holds all shares" in box("keys", "kit", "--out", "kit.html").output


def test_kit_is_printed_in_both_languages_and_never_over_another_file(box, tmp_path):
    page, text = tmp_path / "kit.html", tmp_path / "kit.txt"
    assert "delete it" in box("keys", "kit", "--name", "<Solara>", "--out", str(page)).output
    html = page.read_text("utf-8")
    assert html.count("<article>") == 5
    assert "share 1 of 5" in html
    assert "parte 1 de 5" in html
    assert "&lt;Solara&gt;" in html
    assert "<script" not in html
    assert page.stat().st_mode & 0o777 == 0o600
    assert box("keys", "kit", "--out", str(text)).exit_code == 0
    sheet = text.read_text("utf-8").split("\f")[0]
    assert told(box("keys", "status", "--json"))["fingerprint"] in sheet
    assert " 1. " in sheet
    assert "33. " in sheet
    refused = box("keys", "kit", "--out", str(text))
    assert (refused.exit_code, "exists already" in refused.output) == (1, True)


def test_organisation_gets_a_new_key_and_is_erased_from_the_terminal(box, tmp_path):
    rotated = told(box("keys", "rotate-organisation", "solara", "--keep-days", "0", "--wait", "--json"))
    assert rotated["generation"] == 2
    found = told(box("keys", "rotations", "--json"))
    assert [(one["state"], one["steps"]) for one in found] == [("resealing", found[0]["of"] - 1)]
    assert "under way" in box("keys", "rotations").output
    again = box("keys", "rotate-organisation", "solara")
    assert (again.exit_code, again.output) == (1, "Error: This organisation's key is being rotated already.\n")
    refused = box("keys", "erase-organisation", "solara", said="n\n")
    assert refused.exit_code == 1
    # in a process of its own: this one has mapped tables of tests, which a box does not have
    command = [sys.executable, "-c", "from appliance.entrypoints.cli import main; main()", "keys", "erase-organisation", "solara", "--yes"]
    certificate = json.loads(subprocess.run([*command, "--json"], capture_output=True, check=True, text=True).stdout)
    assert certificate["name"] == "Solara"
    assert certificate["remains"]["audit"]
    kept = tmp_path / "certificate.json"
    kept.write_text(json.dumps(certificate))
    assert told(box("keys", "verify-certificate", str(kept), "--json"))["public_key"] == certificate["public_key"]
    kept.write_text(json.dumps({**certificate, "rows": 0}))
    altered = box("keys", "verify-certificate", str(kept), "--public-key", certificate["public_key"])
    assert (altered.exit_code, "it was altered" in altered.output) == (1, True)
    kept.write_text("{")
    assert "is no certificate" in box("keys", "verify-certificate", str(kept)).output
    assert told(box("keys", "rotations", "--json")) == []
    gone = box("keys", "erase-organisation", "solara", "--yes")
    assert (gone.exit_code, len(gone.output.splitlines())) == (1, 1)
