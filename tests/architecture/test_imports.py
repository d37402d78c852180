"""The borders of pyproject.toml's import contracts, and that our own kind of contract breaks when it should."""

import ast
import os
import re
import subprocess
import sys

from grimp import ImportGraph

from tests.architecture.contracts import PublicDoors
from tests.architecture.house import ROOT, Source, sources

DOOR = re.compile(r"appliance\.domains\.(\w+)\.(?:actions|queries)(\..+)?")


def test_every_import_contract_is_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache", "--no-logo"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "models"), "COLUMNS": "160"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def _behind_doors(source: Source) -> list[str]:
    """Modules of another domain that are imported past what its `actions` and `queries` export."""
    found = []
    for node in source.nodes(ast.ImportFrom):
        door = DOOR.fullmatch(node.module or "")
        if door is None or source.path.startswith(f"appliance/domains/{door[1]}/"):
            continue
        rooms = ROOT / door[0].replace(".", "/")
        found += [f"{source.path}: {door[0]}.{name.name}" for name in node.names if door[2] or (rooms / f"{name.name}.py").exists()]
    return found


def test_what_lies_behind_a_door_is_exported_by_it() -> None:
    assert [fault for source in sources("appliance/domains", "webui") for fault in _behind_doors(source)] == []
    past = Source("webui/inbox/views.py", "from appliance.domains.conversations.queries import InboxFilter, teams")
    assert len(_behind_doors(past)) == 1


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
