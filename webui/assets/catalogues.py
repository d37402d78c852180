"""`python -m webui.assets.catalogues`: collects every sentence, updates the .po files, compiles them, writes the browser's part.

Run it after changing a sentence, translate what it lists, run it again. Nothing of it happens on an installed box.
"""

import json
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from appliance.core.i18n import CATALOGUES, LOCALES
from appliance.inference.catalog import CATALOGUE
from appliance.inference.catalog import read_catalogue as read_models

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "webui" / "static"
TEMPLATES = ROOT / "webui" / "templates"
SOURCES: tuple[tuple[Path, list[tuple[str, str]]], ...] = (
    (ROOT / "appliance", [("**.py", "python")]),
    (ROOT / "webui", [("assets/**", "ignore"), ("**.py", "python"), ("**.html", "jinja2"), ("static/js/**.js", "javascript")]),
    (Path(click.__file__).parent, [("**.py", "python")]),  # what it says at the terminal, beside our own words
)
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false"}}
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NOISE = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator', '"Language-Team', '"Report-Msgid')
HEADER = "# Translations of SalesEdge.\n"


def collect() -> Catalog:
    """Every sentence in the sources, with where it stands (files only: line numbers would change with every edit)."""
    found = Catalog(project="SalesEdge", charset="utf-8", header_comment=HEADER)
    for folder, method_map in SOURCES:
        for path, _line, message, comments, context in extract_from_dir(
            folder, method_map=method_map, options_map=OPTIONS, keywords=KEYWORDS, comment_tags=("NOTE:",)
        ):
            where = f"{folder.name}/{path}"
            found.add(message, None, [(where, 0)], auto_comments=comments, context=context)
    for model in read_models().values():
        if model.notes:
            found.add(model.notes, None, [(CATALOGUE.relative_to(ROOT).as_posix(), 0)])
    return found


def updated(locale: str, sources: Catalog) -> Catalog:
    path = po_path(locale)
    with path.open("rb") as file:
        catalogue = read_po(file, locale=locale)
    catalogue.update(sources, no_fuzzy_matching=True, update_header_comment=True)
    catalogue.obsolete.clear()
    for message in catalogue:
        message.locations = sorted(set(message.locations))
        if locale == "en" and message.id and not _is_translated(message.string):
            message.string = message.id
    return catalogue


def _is_translated(string: str | list[str] | tuple[str, ...] | None) -> bool:
    return bool(string) if string is None or isinstance(string, str) else all(string)


def untranslated(catalogue: Catalog) -> list[str]:
    return [str(message.id) for message in catalogue if message.id and not _is_translated(message.string)]


def po_bytes(catalogue: Catalog) -> bytes:
    buffer = BytesIO()
    catalogue.header_comment = HEADER.strip()
    catalogue.fuzzy = False
    write_po(buffer, catalogue, width=120, sort_output=True, omit_header=False)
    kept = (line for line in buffer.getvalue().decode().splitlines() if not line.startswith(NOISE))
    return ("\n".join(kept) + "\n").encode()


def mo_bytes(catalogue: Catalog) -> bytes:
    catalogue.creation_date = catalogue.revision_date = EPOCH  # the same sentences give the same bytes
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def browser_json(catalogue: Catalog) -> bytes:
    """The sentences our modules say: text → text, or text → [one, many]."""
    said: dict[str, str | list[str]] = {}
    for message in catalogue:
        if not message.id or not any(name.endswith(".js") for name, _line in message.locations):
            continue
        if isinstance(message.id, str):
            said[message.id] = str(message.string)
        else:
            said[message.id[0]] = list(message.string or ())
    return (json.dumps(said, ensure_ascii=False, indent=0, sort_keys=True) + "\n").encode()


def po_path(locale: str) -> Path:
    return CATALOGUES / locale / "LC_MESSAGES" / "messages.po"


def read_catalogue(locale: str) -> Catalog:
    with po_path(locale).open("rb") as file:
        return read_po(file, locale=locale)


def main() -> int:
    sources = collect()
    missing = 0
    for locale in LOCALES:
        catalogue = updated(locale, sources)
        path = po_path(locale)
        path.write_bytes(po_bytes(catalogue))
        compiled = read_catalogue(locale)
        path.with_suffix(".mo").write_bytes(mo_bytes(compiled))
        (STATIC / "i18n" / f"{locale}.json").write_bytes(browser_json(compiled))
        for text in untranslated(catalogue):
            missing += 1
            sys.stdout.write(f"{locale}: {text!r}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
