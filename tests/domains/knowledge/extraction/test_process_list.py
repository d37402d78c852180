"""What other users of the machine can see of a document that is being read."""

import os

from appliance.domains.knowledge.gateways.extraction import launcher
from tests.bench.bench_box import tree
from tests.domains.knowledge.extraction import paper
from tests.process_list import command_of


def _command_lines() -> list[str]:
    return [command_of(pid) for pid in tree(os.getpid())]


def test_the_name_of_a_document_is_not_in_the_process_list() -> None:
    seen: list[list[str]] = []
    letter = paper.pdf(*[paper.Page().lines(60, 80, ["Uma carta com algum texto."])] * 40)  # its reader is at work for a while
    launcher.run_extraction(letter, "demissão de Bruno Prado.pdf", on_progress=lambda _page, _pages: seen.append(_command_lines()))
    assert sum(launcher.CHILD in line for line in seen[0]) >= 2, "what stands ready, and its fork"
    assert not any("Bruno" in line for line in seen[0])
