"""What a failed test of pages leaves to look at: where its pages stand, and what the threads of the server beside them wait for."""

import sys
import threading
import traceback
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page

LOOK_MS = 5_000
MOST = 6_000
IDLE = ("concurrent/futures/thread.py", "selectors.py")  # waits for work, or for whoever calls
STANDS = """() => [document.readyState, 'ready' in document.documentElement.dataset ? 'listens' : 'does not listen',
  document.activeElement?.outerHTML.slice(0, 200), document.querySelector('main')?.innerText, document.body?.innerText]"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    browser = getattr(item, "funcargs", {}).get("chromium")
    if call.when == "call" and isinstance(browser, Browser) and call.excinfo and call.excinfo.errisinstance((AssertionError, Error)):
        report.sections += [*(section for one in browser.contexts for section in _pages(one)), ("threads that do something", _threads())]
    return report


def _pages(context: BrowserContext) -> list[tuple[str, str]]:
    return [(f"page at {page.url}", _look(page)[:MOST]) for page in context.pages]


def _look(page: Page) -> str:
    page.set_default_timeout(LOOK_MS)
    try:
        return "\n".join(map(str, page.locator("html").evaluate(STANDS, timeout=LOOK_MS)))
    except Error as err:
        return f"does not answer: {err}"


def _threads() -> str:
    names = {one.ident: one.name for one in threading.enumerate() if one is not threading.current_thread()}
    stacks = {names[number]: traceback.extract_stack(frame) for number, frame in sys._current_frames().items() if number in names}
    busy = {name: stack for name, stack in stacks.items() if not stack[-1].filename.endswith(IDLE)}
    return "\n".join(f"{name}\n{''.join(traceback.format_list(stack[-8:]))}" for name, stack in busy.items())
