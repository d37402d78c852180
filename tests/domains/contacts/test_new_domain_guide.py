"""The guide to a new domain speaks of code that exists."""

import re
from pathlib import Path

import pytest

from appliance.core import paging, rows
from appliance.domains.contacts import actions, events, queries, schemas, subscribers, types

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "new-domain.md").read_text(encoding="utf-8")
CONTACTS = ROOT / "appliance" / "domains" / "contacts"
ROOTS = (ROOT, CONTACTS, ROOT / "tests" / "domains" / "contacts")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./-]+(?:\.py|/))`", GUIDE))))
def test_every_file_it_names_is_there(path):
    assert any((root / path).exists() for root in ROOTS)


@pytest.mark.parametrize("name", ["upsert_contact", "add_timeline_entry", "add_note", "change_contact"])
def test_the_actions_it_names_are_doors(name):
    assert name in GUIDE
    assert name in actions.__all__


@pytest.mark.parametrize("name", ["check_may_send", "get_contact", "document_index"])
def test_the_queries_it_names_are_doors(name):
    assert name in GUIDE
    assert name in queries.__all__


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (events, ("ContactsMerged", "MergeUndone", "ContactDeleted", "ImportFinished")),
        (types, ("Identity", "Purpose")),
        (schemas, ("ContactFields", "NoteIn", "NoteOut")),
        (subscribers, ("run_import",)),
        (rows, ("locked", "was_changed", "insert_if_absent")),
        (paging, ("read_page",)),
    ],
)
def test_the_other_names_it_uses_exist(module, names):
    assert all(name in GUIDE and hasattr(module, name) for name in names)


SHOWN = [line for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines() if line and "…" not in line]


@pytest.mark.parametrize("line", SHOWN)
def test_the_code_it_shows_is_the_code_there_is(line):
    assert any(line in path.read_text(encoding="utf-8").splitlines() for path in CONTACTS.rglob("*.py"))
