"""In continuous integration a test that did not run is not a test that passed. These are hooks of pytest's, and light to import."""

import os

import pytest

# What no machine of ours can bring to a test: data that is not in the repository, and packages only maintainers install.
MAY_BE_SKIPPED = ("SALESEDGE_EVAL_DATA names no folder", "the package ")
skipped_for_want: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(MAY_BE_SKIPPED):
            skipped_for_want.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("CI") == "true" and skipped_for_want and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") == "true" and skipped_for_want:
        terminalreporter.section("skipped, which continuous integration does not accept")
        terminalreporter.write_line("\n".join(skipped_for_want))
