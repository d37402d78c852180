"""The borders of pyproject.toml's import contracts, and that our own kind of contract breaks when it should."""

import os
import subprocess
import sys

from grimp import ImportGraph

from tests.architecture.contracts import PublicDoors
from tests.architecture.house import ROOT


def test_every_import_contract_is_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache", "--no-logo"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "models"), "COLUMNS": "160"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def _check(importer: str, imported: str) -> list[str]:
    graph = ImportGraph()
    for module in (importer, imported):
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported)
    contract = PublicDoors(
        name="doors",
        session_options={"root_packages": ["house"]},
        contract_options={"container": "house.domains", "doors": ["actions", "queries"], "insiders": ["house.entrypoints"]},
    )
    return contract.check(graph, verbose=False).metadata["broken"]


def test_domain_entered_by_a_back_door_breaks_the_contract() -> None:
    assert _check("house.domains.billing.actions", "house.domains.contacts.tables") == [
        "house.domains.billing.actions -> house.domains.contacts.tables"
    ]


def test_domain_package_itself_is_no_door() -> None:
    assert _check("house.webui.crm", "house.domains.contacts") != []


def test_doors_insiders_and_the_domain_itself_may_enter() -> None:
    assert _check("house.webui.crm", "house.domains.contacts.queries") == []
    assert _check("house.domains.contacts.actions", "house.domains.contacts.tables") == []
    assert _check("house.entrypoints.domains", "house.domains.contacts.manifest") == []
