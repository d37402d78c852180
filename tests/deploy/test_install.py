"""What installers/install.sh says before it does anything, and what the makers of Ansible say of its playbook.

What it leaves behind on a bare root is in test_bundle.py.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.architecture.house import ROOT

INSTALL = ROOT / "installers/install.sh"
SPECS = "meta/argument_specs.yml"
ANSIBLE_LINT = Path(sys.executable).parent / "ansible-lint"


@pytest.mark.slow
def test_the_playbook_is_as_its_makers_recommend(tmp_path: Path) -> None:
    environment = os.environ | {"PATH": f"{ANSIBLE_LINT.parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "NO_COLOR": "1"}
    command = [ANSIBLE_LINT, "--offline", "--nocolor"]
    found = subprocess.run(command, cwd=ROOT / "ansible", env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("role", sorted(path.name for path in (ROOT / "ansible/roles").iterdir()))
def test_a_role_says_of_each_default_what_it_is(role: str) -> None:
    defaults, specs = (yaml.safe_load((ROOT / "ansible/roles" / role / name).read_text("utf-8")) for name in ("defaults/main.yml", SPECS))
    assert set(defaults) - set(specs["argument_specs"]["main"]["options"]) == set()


def _refused(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, "LC_ALL": "", "LC_MESSAGES": "", "LANG": "C.UTF-8", **environment}
    return subprocess.run([INSTALL, *arguments], env=own, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)


def test_wrong_words_are_refused_before_anything_is_done() -> None:
    for arguments, said in (
        (("--tls", "magic"), "--tls takes one of: acme internal supplied none"),
        (("--plan",), "--plan needs a value."),
        (("--colour", "blue"), "Unknown option: --colour"),
        (("--config", "/nowhere.yml"), "The file /nowhere.yml cannot be read."),
    ):
        refused = _refused(*arguments)
        assert (refused.returncode, refused.stderr.splitlines()[0]) == (2, said)


def test_it_speaks_portuguese_where_the_console_does() -> None:
    refused = _refused("--tls", "magia", LANG="pt_BR.UTF-8")
    assert refused.stderr.splitlines()[0] == "--tls recebe um destes: acme internal supplied none"
    assert "Uso: installers/install.sh" in refused.stderr


def test_every_sentence_has_its_portuguese() -> None:
    said = INSTALL.read_text(encoding="utf-8")
    sentences = set(re.findall(r'\b(?:t|say|note|step|wrong|fail) "((?:[^"\\$]|\\.)+)"', said))
    sentences |= set(re.findall(r'^ *question \w+ (?:"[^"]*"|"\$\([^)]*\)"|\w+) "([^"]+)"', said, re.MULTILINE))
    translated = "".join((ROOT / "installers" / name).read_text(encoding="utf-8") for name in ("portuguese.sh", "portuguese-install.sh"))
    assert {one for one in sentences if f'["{one}"]=' not in translated} == set()
