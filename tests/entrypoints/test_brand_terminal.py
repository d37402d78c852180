"""`salesedge brand`: what the page does, for who sets boxes up by script."""

import json

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.core import signing
from appliance.domains.branding.rules import packs
from appliance.entrypoints.cli import cli


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("SALESEDGE_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SALESEDGE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("SALESEDGE__KEYS__MASTER_KEY_FILE", str(tmp_path / "master.key"))
    monkeypatch.setenv("SALESEDGE__LOGS__LEVEL", "error")
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    runner = CliRunner()
    return lambda *words: runner.invoke(cli, list(map(str, words)))


def test_a_signed_brand_goes_through_the_terminal_and_back(run, tmp_path):
    password = tmp_path / "password"
    password.write_text("a long and quiet sentence")
    assert run("setup", "--email", "ana@solara.example", "--password-file", password, "--tenant", "Solara Energia").exit_code == 0
    assert run("brand", "show").output == "There is no brand yet.\n"
    key, pack, signed = Ed25519PrivateKey.generate(), tmp_path / "in.zip", tmp_path / "out.zip"
    pem = tmp_path / "key.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    pack.write_bytes(packs.write({"name": "Aurora", "colour": "#7a3cff", "domain": "aurora.example"}, {}))
    assert run("brand", "import", pack).output == "The brand is live.\n"
    exported = run("brand", "export", signed, "--sign-with", pem, "--json")
    fingerprint = signing.fingerprint_of(key.public_key())
    assert json.loads(exported.output) == {"file": str(signed), "signer": fingerprint}
    refused = run("brand", "import", pack, "--signed-by", fingerprint)
    assert (refused.exit_code, refused.output) == (1, "Error: It is not signed by that key, but by: nobody.\n")
    assert run("brand", "reset").exit_code == 0
    assert run("brand", "import", signed, "--signed-by", fingerprint, "--json").exit_code == 0
    assert json.loads(run("brand", "show", "--json").output) == {"name": "Aurora", "colour": "#7a3cff", "domain": "aurora.example"}
    assert json.loads(run("brand", "show", "--organisation", "solara-energia", "--json").output)["name"] == "Solara Energia"
    run("brand", "undo")
    assert "name" not in json.loads(run("brand", "show", "--json").output)
    assert run("brand", "show", "--organisation", "nobody").exit_code == 1
    assert run("brand", "import", password).output == "Error: This file is no zip, or it is damaged.\n"
    assert run("brand", "export").exit_code == 2
