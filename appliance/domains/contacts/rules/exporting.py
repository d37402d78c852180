import json
from collections.abc import Mapping

from appliance.domains.contacts.rules.spreadsheets import write_row

_COLUMNS = ("id", "name", "company", "email", "phone_e164", "document", "born_on", "region", "owner_id", "tags", "attributes")
_DATES = ("last_channel", "last_seen_at", "created_at")
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something older
HEADER = BYTE_ORDER_MARK + write_row([*_COLUMNS, *_DATES])


def line(contact: Mapping[str, object]) -> str:
    """One contact, given as JSON-ready values."""
    return write_row([_cell(contact[column]) for column in (*_COLUMNS, *_DATES)])


def _cell(value: object) -> object:
    match value:
        case list():
            return ", ".join(map(str, value))
        case dict():
            return json.dumps(value, ensure_ascii=False) if value else ""
        case _:
            return value
