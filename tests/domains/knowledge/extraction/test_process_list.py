"""What other users of the machine can see of a document that is being read."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.knowledge.gateways.extraction import launcher
from tests.domains.knowledge.extraction import paper


def _command_lines() -> str:
    mine = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return " ".join(Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace") for pid in mine)


def test_the_name_of_a_document_is_not_in_the_process_list() -> None:
    seen: list[str] = []
    letter = paper.pdf(paper.Page().lines(60, 80, ["Uma carta com algum texto."]))
    launcher.run_extraction(letter, "demissão de Bruno Prado.pdf", on_progress=lambda _page, _pages: seen.append(_command_lines()))
    assert seen
    assert "document.pdf" in seen[0]
    assert "Bruno" not in seen[0]


@given(st.text(max_size=60))
def test_any_name_makes_an_argument_that_a_process_takes(name: str) -> None:
    argument = launcher.nameless(name)
    assert "\0" not in argument
    assert argument.isascii()
    assert len(argument) <= len("document") + launcher.LONGEST_ENDING
