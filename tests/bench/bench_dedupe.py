"""How well an import tells people apart: `python -m tests.bench.bench_dedupe [folder]`, by default empresa_a in SALESEDGE_EVAL_DATA.

leads.csv goes the way every file goes: upload, guessed mapping, import, and the look for duplicates that follows it. Its clusters are compared
with gold.csv pair by pair: first as the import left them, then with every suggestion accepted.
"""

import csv
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from sqlalchemy import select

from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import DuplicatesQuery
from appliance.domains.contacts.tables import ContactIdentity
from appliance.domains.contacts.types import IdentityKind
from tests.bench.bench_contacts_import import import_file, make_tenant, open_embedded
from tests.servers import redis_server

GOAL_F1 = 0.97
Pairs = set[frozenset[str]]


def pairs_of(clusters: Mapping[str, object]) -> Pairs:
    members: dict[object, list[str]] = defaultdict(list)
    for row, cluster in clusters.items():
        members[cluster].append(row)
    return {frozenset(two) for rows in members.values() for two in combinations(rows, 2)}


def f1(label: str, found: Pairs, gold: Pairs) -> float:
    right = len(found & gold)
    precision, recall = right / max(1, len(found)), right / max(1, len(gold))
    score = 2 * right / max(1, len(found) + len(gold))
    print(f"{label:<28} precision {precision:.3f}  recall {recall:.3f}  F1 {score:.3f}  ({len(found)} pairs, {len(gold)} in gold)")
    return score


def cluster(folder: Path, rows: list[str]) -> tuple[Pairs, Pairs, int]:
    """The pairs as imported, the pairs with the suggestions accepted, and how many there were."""
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as address:
        box = open_embedded(Path(name), address)
        tenant_id = make_tenant(box)
        import_file(box, tenant_id, (folder / "leads.csv").read_bytes())

        def clusters() -> Pairs:
            with box.unit(tenant_id, read_only=True) as uow:
                ids = uow.session.scalars(select(ContactIdentity).where(ContactIdentity.kind == IdentityKind.EXTERNAL))
                known = {row.value: row.contact_id for row in ids}
            return pairs_of({row: known.get(row, row) for row in rows})

        silent, suggested = clusters(), 0
        while True:
            with box.unit(tenant_id) as uow:
                still_open = queries.list_duplicates(uow, DuplicatesQuery(limit=1)).items
                if not still_open:
                    break
                actions.merge_duplicate(uow, still_open[0].id, still_open[0].first_id)
                suggested += 1
        accepted = clusters()
        box.close()
    return silent, accepted, suggested


def main(folder: Path) -> int:
    with (folder / "gold.csv").open(encoding="utf-8-sig", newline="") as file:
        gold = {row["id"]: row["cluster"] for row in csv.DictReader(file)}
    wanted = pairs_of(gold)
    silent, accepted, suggested = cluster(folder, list(gold))
    print(f"{len(gold)} rows, {len(set(gold.values()))} people; {suggested} pairs suggested")
    alone = f1("merged by the import itself", silent, wanted)
    return 0 if min(alone, f1("with suggestions accepted", accepted, wanted)) >= GOAL_F1 else 1


if __name__ == "__main__":
    if len(sys.argv) < 2 and "SALESEDGE_EVAL_DATA" not in os.environ:
        sys.exit("Name the folder that holds leads.csv and gold.csv, or set SALESEDGE_EVAL_DATA.")
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ["SALESEDGE_EVAL_DATA"]) / "empresa_a"))
