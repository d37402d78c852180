"""The house rules hold in the whole tree, and each catches what it is for."""

from collections.abc import Callable, Iterable
from functools import partial

import pytest

from tests.architecture import house
from tests.architecture.house import ROOT, Source

Rule = Callable[[Source], Iterable[str]]
PRODUCT = ("appliance", "webui", "models")
WRITTEN = {".py", ".md", ".toml", ".sh", ".html", ".js", ".css", ".txt", ".yml", ".yaml", ".json", ""}
UNIT_OF_WORK = "appliance/core/uow.py"

HTTP_CLIENTS = frozenset({"httpx", "requests", "urllib3", "aiohttp"})
RULES: dict[str, tuple[Rule, tuple[str, ...], tuple[str, ...]]] = {
    # rule, folders it holds in, files (or folders) that are the exception because they own the matter
    "size": (house.too_long, PRODUCT, ("appliance/migrations",)),
    "names": (house.says_nothing, (*PRODUCT, "tests"), ()),
    "finished": (house.unfinished, PRODUCT, ()),
    "commit": (house.commits, ("appliance", "webui"), (UNIT_OF_WORK,)),
    "clock": (house.asks_the_time, ("appliance", "webui"), ("appliance/core/clock.py",)),
    # names of tables and keys cannot be bound
    "sql": (house.builds_sql, PRODUCT, ("appliance/core/rls.py", "appliance/core/turns.py")),
    "environment": (
        house.reads_environment,
        ("appliance", "webui"),
        ("appliance/core/config.py", "appliance/entrypoints"),
    ),
    "outbound": (
        partial(house.imports_any_of, banned=HTTP_CLIENTS),
        ("appliance", "webui"),
        ("appliance/core/outbound.py", "appliance/inference", "appliance/entrypoints"),
    ),
    "waiting": (house.looks_once, ("tests/webui", "tests/journeys"), ()),
    "migrations": (partial(house.imports_any_of, banned=frozenset({"appliance", "webui"})), ("appliance/migrations/versions",), ()),
    "edges": (
        house.catches_everything,
        PRODUCT,
        (
            "appliance/core/web",
            "appliance/core/jobs.py",
            "appliance/core/live.py",
            "appliance/core/receivers.py",
            "appliance/core/faults.py",
            "appliance/core/otlp_lines.py",
            "appliance/entrypoints",
            "appliance/domains/knowledge/gateways/extraction/__main__.py",
            "models/modelserver",
        ),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_rule_holds_in_the_whole_tree(name: str) -> None:
    rule, folders, owners = RULES[name]
    found = [line for source in house.sources(*folders) if not source.path.startswith(owners) for line in rule(source)]
    assert found == []


def test_files_of_tests_stay_readable() -> None:
    assert [source.path for source in house.sources("tests") if source.text.count("\n") > house.LONGEST_FILE] == []


def test_templates_need_no_hole_in_the_content_security_policy() -> None:
    found = [line for source in house.sources("webui", "appliance", suffix=".html") for line in house.breaks_the_csp(source)]
    assert found == []


def test_repository_names_no_path_of_the_machine_it_was_written_on() -> None:
    found: list[str] = []
    for folder in (".", ".ci", "appliance", "docs", "installers", "models", "tests", "webui"):
        for path in sorted((ROOT / folder).glob("*" if folder == "." else "**/*")):
            written = path.is_file() and path.suffix in WRITTEN and not {"node_modules", "architecture"} & set(path.parts)
            if written and not path.name.startswith("."):
                found += house.names_somebodys_machine(Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8", "replace")))
    assert found == []


LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 50
SINS: list[tuple[Rule, str]] = [
    (house.too_long, LONG_FUNCTION),
    (house.too_long, "x = 1\n" * 401),
    (house.unfinished, "x = 1  # TO" + "DO later\n"),
    (house.commits, "uow.session.commit()\n"),
    (house.commits, "session.rollback()\n"),
    (house.asks_the_time, "datetime.now()\n"),
    (house.asks_the_time, "datetime.datetime.utcnow()\n"),
    (house.asks_the_time, "date.today()\n"),
    (house.builds_sql, 'session.execute(f"select {name}")\n'),
    (house.builds_sql, 'text("select " + name)\n'),
    (house.builds_sql, 'text("select %s" % name)\n'),
    (house.builds_sql, 'cursor.executemany("select {}".format(name), rows)\n'),
    (house.catches_everything, "try:\n    f()\nexcept Exception:\n    pass\n"),
    (house.catches_everything, "try:\n    f()\nexcept (ValueError, Exception):\n    pass\n"),
    (house.catches_everything, "try:\n    f()\nexcept:\n    pass\n"),
    (house.looks_once, 'assert page.get_by_label("Nome").input_value() == "Ana"\n'),
    (house.looks_once, 'assert (names(), page.locator(".msg").count()) == ([], 0)\n'),
    (house.looks_once, 'assert page.evaluate("document.activeElement.id") == "content"\n'),
    (house.reads_environment, 'os.environ["SALESEDGE_HOME"]\n'),
    (RULES["outbound"][0], "from httpx import Client\n"),
    (RULES["migrations"][0], "import appliance.core.db\n"),
    (house.breaks_the_csp, '<p style="color: red">\n'),
    (house.breaks_the_csp, '<div hx-on:click="x()">\n'),
    (house.breaks_the_csp, "<a onclick='x()'>\n"),
    (house.breaks_the_csp, "<script>x()</script>\n"),
    (house.breaks_the_csp, "<style>p {}</style>\n"),
    (house.breaks_the_csp, '<script src="https://cdn.example/x.js"></script>\n'),
    (house.names_somebodys_machine, "see /ho" + "me/ana/notes.txt\n"),
]
HONEST: list[tuple[Rule, str]] = [
    (house.too_long, LONG_FUNCTION.replace("    x = 1\n", "", 1)),
    (house.commits, "with box.unit(tenant_id) as uow:\n    f(uow)\n"),
    (house.asks_the_time, "clock.now()\n"),
    (house.builds_sql, 'session.execute(text("select :name"), {"name": name})\n'),
    (house.builds_sql, "session.execute(select(Contact).where(Contact.id == contact_id))\n"),
    (house.catches_everything, "try:\n    f()\nexcept (ValueError, OSError):\n    pass\n"),
    (house.looks_once, 'expect(page.get_by_label("Nome")).to_have_value("Ana")\nassert said.count("Ana") == 1\n'),
    (house.breaks_the_csp, '<script src="/static/js/shell.js" type="module"></script>\n'),
    (house.breaks_the_csp, '<link rel="stylesheet" href="/static/css/base.css">\n'),
    (house.names_somebodys_machine, "log in /var/log/salesedge, a drawing in docs/wo" + "rk/plan.svg\n"),
]


@pytest.mark.parametrize(("rule", "text"), SINS)
def test_rule_catches_its_sin(rule: Rule, text: str) -> None:
    assert list(rule(Source("appliance/planted.py", text))) != []


@pytest.mark.parametrize(("rule", "text"), HONEST)
def test_rule_lets_honest_code_pass(rule: Rule, text: str) -> None:
    assert list(rule(Source("appliance/planted.py", text))) == []


def test_name_that_says_nothing_is_caught() -> None:
    assert list(house.says_nothing(Source("appliance/core/utils.py", ""))) != []
    assert list(house.says_nothing(Source("appliance/domains/data/rules.py", ""))) != []
    assert list(house.says_nothing(Source("appliance/core/outbox.py", ""))) == []


def test_tests_wait_in_the_browser_without_a_hole_in_its_content_security_policy() -> None:
    """`wait_for_function` is let through when it is looked at first, and refused by the page's own policy whenever it must wait."""
    waits = "wait_for_" + "function("
    assert [source.path for source in house.sources("tests") if waits in source.text] == []


def test_tests_wait_for_the_page_that_answers_a_form() -> None:
    """Any navigation ends these waits: the one before, or a change of the address alone; the form's own then breaks off what follows."""
    waits = ("expect_" + "navigation(", "wait_for_" + "load_state()")
    assert [source.path for source in house.sources("tests") for wait in waits if wait in source.text] == []


def test_loops_of_tests_run_beside_the_browsers_own() -> None:
    """The browser keeps a loop open in the main thread; whether a test meets it depends on what ran before it."""
    started = [
        source.path
        for source in house.sources("tests")
        for line in source.text.splitlines()
        if "asyncio.run(" in line and "lambda" not in line and "tests/loops.py" not in source.path and '"asyncio' not in line
    ]
    assert started == []
