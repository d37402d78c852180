"""What the terminal says, in the language of its locale."""

import contextlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from appliance.core import crypto
from appliance.core.config import load_settings
from appliance.entrypoints.cli import cli
from appliance.entrypoints.cli_logs import PROCESSES
from appliance.entrypoints.terminal import open_the_box
from tests.architecture.house import ROOT
from tests.inference.peers import Scripted, serving
from tests.inference.test_engines import PEERS
from webui.assets import catalogues

PASSWORD = "a long and quiet sentence"
PORTUGUESE, ENGLISH = "pt_BR.UTF-8", "en_US.UTF-8"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+(?:!r)?\}")
SPOKEN_HERE = ("appliance/entrypoints/", "appliance/core/", "appliance/inference/", "models/catalog", "click/")


def _commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, *path, name)
        else:
            yield (*path, name)


COMMANDS = list(_commands(cli))


@pytest.fixture(scope="module")
def sentences() -> dict[str, str]:
    """English → Portuguese, of what the terminal may say; of a sentence with gaps its longest part."""
    spoken = {}
    for message in catalogues.read_catalogue("pt_BR"):
        if message.id and any(place.startswith(SPOKEN_HERE) for place, _line in message.locations):
            pairs = [(message.id, message.string)] if isinstance(message.id, str) else zip(message.id, message.string, strict=True)
            spoken |= dict(pairs)
    return spoken


def english_in(output: str, sentences: dict[str, str]) -> list[str]:
    said = " ".join(output.split())
    parts = {max(PLACEHOLDER.split(english), key=len).strip() for english, portuguese in sentences.items() if english != portuguese}
    return [part for part in parts if len(part.split()) > 1 and part in said]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Commands given at a terminal of this locale, to a machine of its own."""
    monkeypatch.setenv("SALESEDGE_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SALESEDGE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("SALESEDGE__KEYS__MASTER_KEY_FILE", str(tmp_path / "master.key"))
    monkeypatch.setenv("SALESEDGE__LOGS__LEVEL", "error")
    monkeypatch.setenv("LANGUAGE", "")
    runner = CliRunner()

    def command(*arguments: str, said: str = "", **locale: str):
        for name in ("LANG", "LC_MESSAGES", "LC_ALL"):
            monkeypatch.setenv(name, locale.get(name, ""))
        return runner.invoke(cli, list(arguments), input=said)

    return command


@pytest.fixture
def box(run, tmp_path: Path):
    """The same machine with a box on it, set up from the terminal."""
    crypto.create_master_key(tmp_path / "master.key")
    (tmp_path / "password").write_text(PASSWORD)
    own = ("--email", "ana@solara.example", "--password-file", str(tmp_path / "password"), "--tenant", "Solara")
    made = run("setup", *own, LANG=PORTUGUESE)
    assert made.exit_code == 0, made.output
    assert made.output == "Pronto. Entre como ana@solara.example.\n"
    return run


NO_ADDRESSES = ["http://[", "loki:3100/otlp", f"http://{'a' * 64}.example", "http://loki:port", "https://", "http://lo ki"]


@pytest.mark.parametrize("setting", ["OTLP_ENDPOINT", "LOGS_ENDPOINT"])
@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_an_address_that_cannot_be_called_is_named_in_both_languages(run, monkeypatch, setting: str, address: str) -> None:
    monkeypatch.setenv(f"SALESEDGE__TELEMETRY__{setting}", address)
    portuguese, english = run("doctor", LANG=PORTUGUESE), run("doctor", LANG=ENGLISH)
    assert f"{address} não é o endereço de um receptor" in portuguese.output
    assert f"{address} is not the address of a receiver" in english.output
    assert (portuguese.exit_code, english.exit_code) == (1, 1)


@pytest.mark.parametrize("address", ["http://loki:3100/otlp", "https://[::1]:4318", "http://10.0.0.5", "https://ação.example/"])
def test_an_address_that_can_be_called_is_taken(run, monkeypatch, address: str) -> None:
    monkeypatch.setenv("SALESEDGE__TELEMETRY__LOGS_ENDPOINT", address)
    assert load_settings().telemetry.logs_endpoint == address


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_of_every_command_is_portuguese(path: tuple[str, ...], run, sentences: dict[str, str]) -> None:
    help_ = run(*path, "--help", LANG=PORTUGUESE)
    assert help_.exit_code == 0, help_.output
    assert help_.output.startswith("Uso: ")
    assert "Mostra esta ajuda e sai." in help_.output
    assert english_in(help_.output, sentences) == [], help_.output


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_of_every_command_says_what_it_and_each_option_do(path: tuple[str, ...], run) -> None:
    shown = run(*path, "--help", LANG=ENGLISH).output
    assert shown.startswith("Usage: ")
    assert re.search(r"\n\n  \w+", shown), shown
    undescribed = re.search(r"^  --[\w-]+(?: [A-Z-]+)?(?:  \[.*)?$", shown, re.MULTILINE)
    assert undescribed is None, undescribed


def test_doctor_and_status_are_portuguese(box, sentences: dict[str, str]) -> None:
    doctor, status = box("doctor", LANG=PORTUGUESE), box("status", LANG=PORTUGUESE)
    assert "Banco de dados: responde" in doctor.output
    assert "As tarefas esperam no banco de dados até o Redis voltar; nada se perde." in doctor.output
    for said in (doctor.output, status.output):
        assert english_in(said, sentences) == [], said
        assert "FALHA" in said
    assert (doctor.exit_code, status.exit_code) == (1, 1)


def test_a_portuguese_box_speaks_english_to_an_english_terminal(box) -> None:
    assert "Database: answers" in box("doctor", LANG=ENGLISH).output


@pytest.mark.parametrize(
    ("locale", "word"),
    [
        ({"LANG": "pt_BR.UTF-8"}, "Uso"), ({"LANG": "pt"}, "Uso"), ({"LC_MESSAGES": "pt_PT.UTF-8", "LANG": "de_DE"}, "Uso"),
        ({"LC_ALL": "pt_BR", "LC_MESSAGES": "en_US", "LANG": "C"}, "Uso"), ({"LC_ALL": "C.UTF-8", "LANG": "pt_BR.UTF-8"}, "Usage"),
        ({"LANG": "de_DE.UTF-8"}, "Usage"), ({"LANG": "C"}, "Usage"), ({}, "Usage"),
    ],
)  # fmt: skip
def test_the_locale_decides_in_the_usual_order(locale: dict[str, str], word: str, run) -> None:
    assert run("--help", **locale).output.startswith(f"{word}: ")


def test_what_is_wrong_with_a_command_is_said_in_portuguese(run, sentences: dict[str, str], tmp_path: Path) -> None:
    given = {
        ("bogus",): "Não existe o comando 'bogus'.",
        ("up", "--prot", "1"): "Não existe a opção '--prot'.",
        ("up", "--port", "99999999"): "99999999 está fora do intervalo 1<=x<=65535.",
        ("setup",): "Falta a opção '--email'.",
        ("people", "invite"): "Falta o argumento 'E-MAIL'.",
        ("models", "list", "--task", "sing"): "'sing' não é um destes",
        ("models", "import", str(tmp_path / "gone.gguf")): "não existe.",
        ("models", "pull", "nix"): "Não há modelo chamado nix no catálogo.",
    }
    for arguments, sentence in given.items():
        refused = run(*arguments, LANG=PORTUGUESE)
        assert refused.exit_code in {1, 2}
        assert sentence in " ".join(refused.output.split())
        assert english_in(refused.output, sentences) == [], refused.output


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("[server]\nport = 99999999\n", "server.port: Informe 65535 ou menos."),
        ("[server]\nprot = 1\n", "server.prot: Este campo não é conhecido."),
        ("[server]\nport = = 1\n", "linha 2 não é TOML."),
    ],
)
def test_a_wrong_setting_is_named_in_portuguese(written: str, sentence: str, run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(written)
    refused = run("status", LANG=PORTUGUESE)
    assert refused.exit_code == 1
    assert refused.output.startswith("Erro: A configuração não é válida: ")
    assert sentence in refused.output


def test_a_missing_key_and_a_missing_database_are_told_in_portuguese(run, tmp_path: Path) -> None:
    missing = run("status", LANG=PORTUGUESE)
    assert missing.exit_code == 1
    assert "não pode ser lida: não existe. Recupere-a da sua cópia de emergência." in missing.output
    crypto.create_master_key(tmp_path / "master.key")
    empty = run("status", LANG=PORTUGUESE)
    assert empty.exit_code == 1
    assert empty.output.startswith("Erro: O banco de dados não responde")


LEFT, DONE = "Cancelado.", "Erro: A caixa precisa de um operador, e este é o único."


@pytest.mark.parametrize(("said", "answer"), [("\n", LEFT), ("n\n", LEFT), ("s\n", DONE), ("sim\n", DONE), ("y\n", DONE)])
def test_leave_is_asked_and_given_in_the_reader_s_language(said: str, answer: str, box) -> None:
    asked = box("people", "release", "ana@solara.example", LANG=PORTUGUESE, said=said)
    assert "Quem usa este endereço agora perde a conta. Continuar? [s/N]: " in asked.output
    assert asked.output.endswith(f"{answer}\n")


def test_programs_read_the_verdict_not_the_words(box) -> None:
    told = json.loads(box("doctor", "--json").output)
    assert told["key"]["ok"]
    assert not told["queue"]["ok"]


def test_tables_of_another_release_are_refused_in_a_sentence(box) -> None:
    opened = open_the_box()
    with opened.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of another'"))
    opened.close()
    refused = box("migrate", LANG=ENGLISH)
    assert refused.exit_code == 1
    assert "belong to another release of SalesEdge" in refused.output


def test_diagnostics_are_written_for_their_owner_alone_and_replace_nothing(box, tmp_path: Path) -> None:
    out = tmp_path / "bundle.zip"
    done = box("diagnostics", "--out", str(out), LANG=PORTUGUESE)
    assert (done.exit_code, done.output) == (0, f"{out} foi gravado. Confira o conteúdo antes de enviar.\n")
    assert out.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(out) as archive:
        assert {"about.json", "findings.json", "queues.json"} <= set(archive.namelist())
    again = box("diagnostics", "--out", str(out), LANG=ENGLISH)
    assert again.exit_code == 1
    assert f"{out} cannot be written" in again.output


def test_what_is_only_advice_fails_no_doctor(box) -> None:
    told = json.loads(box("doctor", "--json").output)
    assert {name for name, one in told.items() if not one["needed"]} >= {"swap", "ocr", "ffmpeg"}
    assert all(one["fix"] for one in told.values() if not one["ok"])


@pytest.mark.parametrize("command", ["doctor", "status"])
def test_who_of_several_language_models_is_away_is_told_by_name(command: str, box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESEDGE__MODELS__CHAT_ENGINE", "ollama")
    with serving(Scripted(PEERS["ollama"][0]("Olá")).kind()) as address:
        monkeypatch.setenv("SALESEDGE__MODELS__CHAT_URL", f"http://127.0.0.1:9;{address}")
        told = json.loads(box(command, "--json").output)["language model"]
        assert (told["ok"], told["needed"]) == (False, False)
        assert told["detail"] == "1 of 2 answer"
        assert told["fix"].startswith("127.0.0.1:9: 127.0.0.1 does not answer. Start it or ")
        assert f"{'note':5}  Language model: 1 of 2 answer\n" in box(command, LANG=ENGLISH).output
        monkeypatch.setenv("SALESEDGE__MODELS__CHAT_URL", address)
        told = json.loads(box(command, "--json").output)["language model"]
        assert (told["ok"], told["detail"]) == (True, "1 of 1 answer")
    told = json.loads(box(command, "--json").output)["language model"]
    assert (told["ok"], told["needed"]) == (False, False), "the box quotes without it"


@pytest.mark.parametrize("command", ["doctor", "status"])
def test_the_database_of_the_vectors_that_is_away_is_told_without_its_password(command: str, box, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(box(command, "--json").output)["vectors"]["ok"]
    monkeypatch.setenv("SALESEDGE__KNOWLEDGE__VECTORS_URL", "postgresql+psycopg://ana:geheim@127.0.0.1:9/vectors")
    answer = box(command, "--json").output
    told = json.loads(answer)["vectors"]
    assert (told["ok"], told["needed"]) == (False, True)
    assert told["fix"].startswith("The database of the vectors does not answer. Look at knowledge.vectors_url")
    assert "geheim" not in answer


def test_a_variable_that_is_no_json_is_told_by_its_name(box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESEDGE__NETWORK__ALLOWED_HOSTS", "a.example")
    for language, said in ((ENGLISH, "variable {} is not JSON"), (PORTUGUESE, "variável de ambiente {} não é JSON")):
        done = box("status", LANG=language)
        assert (done.exit_code, said.format("SALESEDGE__NETWORK__ALLOWED_HOSTS") in done.output) == (1, True), done.output


def test_an_address_of_a_language_model_that_is_none_is_refused_at_start(box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESEDGE__MODELS__CHAT_URL", "10.0.0.5:11434")
    for language, said in ((ENGLISH, "is no address such as"), (PORTUGUESE, "não é um endereço como")):
        done = box("status", LANG=language)
        assert f"models.chat_url: 10.0.0.5:11434 {said} http://10.0.0.5:11434" in done.output


def test_organisations_are_made_closed_and_opened_at_the_terminal(box) -> None:
    made = box("tenants", "create", "Aurora Móveis", "--owner", "bia@aurora.example", "--json", LANG=ENGLISH)
    assert made.exit_code == 0, made.output
    told = json.loads(made.output)
    assert (told["slug"], told["owner"]) == ("aurora-moveis", "bia@aurora.example")
    assert re.search(r"/join/[\w-]{40,}$", told["link"])
    assert box("tenants", "suspend", "aurora-moveis", LANG=PORTUGUESE).output == "aurora-moveis está suspensa.\n"
    found = {one["slug"]: (one["status"], one["people"]) for one in json.loads(box("tenants", "list", "--json").output)}
    assert found == {"aurora-moveis": ("suspended", 0), "solara": ("active", 1)}
    listed = box("tenants", "list", LANG=ENGLISH).output
    assert re.fullmatch(r"x aurora-moveis  Aurora Móveis  0  suspended since 20\d\d-\d\d-\d\d\n  solara  Solara  1\n", listed), listed
    assert json.loads(box("status", "--json").output)["suspended"]["detail"] == "aurora-moveis"
    assert "ok     Suspended organisations: aurora-moveis\n" in box("status", LANG=ENGLISH).output
    assert box("tenants", "resume", "aurora-moveis", LANG=ENGLISH).output == "aurora-moveis is open.\n"
    assert "suspended" not in json.loads(box("status", "--json").output)
    assert {(one["status"], one["suspended_at"]) for one in json.loads(box("tenants", "list", "--json").output)} == {("active", None)}


def test_many_organisations_are_all_listed_and_of_the_suspended_the_first_named(box, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Aurora", "Boreal"):
        assert box("tenants", "create", name, "--owner", "bia@aurora.example", LANG=ENGLISH).exit_code == 0
        assert box("tenants", "suspend", name.lower(), LANG=ENGLISH).exit_code == 0
    monkeypatch.setattr("appliance.domains.identity.queries.tenants.HOUSED_AT_ONCE", 2)
    assert [one["slug"] for one in json.loads(box("tenants", "list", "--json").output)] == ["aurora", "boreal", "solara"]
    monkeypatch.setattr("appliance.entrypoints.cli.NAMED_AT_ONCE", 1)
    assert "ok     Suspended organisations: aurora and 1 more\n" in box("status", LANG=ENGLISH).output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["create", "Solara", "--owner", "bia@aurora.example", "--slug", "solara"], "Another organisation already uses this short name."),
        (["create", "Aurora", "--owner", "nobody"], "owner_email"),
        (["create", "Aurora", "--owner", "bia@aurora.example", "--timezone", "Mars/Olympus"], "timezone"),
        (["suspend", "nowhere"], "There is no such organisation."),
    ],
)
def test_an_organisation_that_cannot_be_is_refused_and_none_is_made(words: list[str], sentence: str, box) -> None:
    refused = box("tenants", *words, LANG=ENGLISH)
    assert refused.exit_code == 1, refused.output
    assert sentence in refused.output
    assert [one["slug"] for one in json.loads(box("tenants", "list", "--json").output)] == ["solara"]


def test_no_organisation_is_made_before_the_box_is_set_up(run, tmp_path: Path) -> None:
    crypto.create_master_key(tmp_path / "master.key")
    assert run("migrate", LANG=ENGLISH).exit_code == 0
    refused = run("tenants", "create", "Aurora", "--owner", "bia@aurora.example", LANG=ENGLISH)
    assert (refused.exit_code, "Set the box up first" in refused.output) == (1, True)
    assert json.loads(run("tenants", "list", "--json").output) == []


def test_a_record_that_was_changed_is_found_at_the_terminal(box) -> None:
    assert box("audit", "verify", LANG=PORTUGUESE).output == "Todas as linhas do registro conferem.\n"
    with contextlib.closing(open_the_box()) as opened, opened.database.engine.begin() as connection:
        connection.execute(text("UPDATE audit_log SET action = 'else' WHERE action = 'tenant.created'"))
    found = box("audit", "verify", "--json", LANG=ENGLISH)
    assert found.exit_code == 1, found.output
    told = json.loads(found.output)
    assert told["holds"] is False
    assert [fault["reason"] for fault in told["faults"]] == ["edited"]
    assert re.search(r"^Organisation \S+, line 1: changed$", box("audit", "verify", LANG=ENGLISH).output, re.MULTILINE)


def test_logs_are_those_of_the_journal(run, tmp_path: Path) -> None:
    journalctl = tmp_path / "journalctl"
    journalctl.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    journalctl.chmod(0o755)
    words = ["logs", "--process", "worker", "--since", "1 hour ago"]
    program = "from pathlib import Path; from appliance.core import updates; from appliance.entrypoints.cli import cli; "
    command = [sys.executable, "-c", f"{program}updates.releases = lambda: updates.Releases(Path('/opt/salesedge')); cli()", *words]
    asked = subprocess.run(command, env=os.environ | {"PATH": str(tmp_path)}, capture_output=True, text=True, check=True)
    units = ["--unit=salesedge-worker.service", "--unit=salesedge-worker@*.service"]
    assert asked.stdout.split("\n")[:-1] == [*units, "--no-pager", "--lines=200", "--output=short-iso", "--since=1 hour ago"]
    installed = {unit.name.replace("@", "") for unit in (ROOT / "systemd").glob("salesedge-*.service")}
    assert {f"salesedge-{process}.service" for process in PROCESSES} == installed
    command = [sys.executable, "-m", "appliance.entrypoints.cli", *words]  # in the foreground
    none = subprocess.run(command, env=os.environ | {"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (none.returncode, "This box has no journal" in none.stderr) == (1, True)
