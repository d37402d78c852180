"""Writes config.example.toml from the settings the code knows: `python -m tests.architecture.config_example`."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from appliance.core.config import Settings
from tests.architecture.house import ROOT

EXAMPLE = ROOT / "config.example.toml"
HEAD = """\
# SalesEdge reads its settings from config.toml in the data folder, or from the file that SALESEDGE_CONFIG names.
# Here is every setting with its default; copy only the lines you change. Settings without a value are commented out.
# Each can be set from the environment as well: SALESEDGE__SERVER__PORT=8090 is [server] port = 8090.
# A secret never stands here: the setting names a file that holds it.
"""
# their defaults depend on who runs the box
SHOWN = {"home": Path("/var/lib/salesedge"), "keys.master_key_file": Path("/etc/salesedge/master.key")}


def render() -> str:
    return "\n".join([HEAD, *_section(Settings, "")]).rstrip("\n") + "\n"


def _section(model: type[BaseModel], prefix: str) -> Iterator[str]:
    deeper: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            deeper.append((f"{prefix}{name}", field.annotation))
        else:
            yield from _setting(name, field, f"{prefix}{name}")
    for name, section in deeper:
        yield f"[{name}]"
        yield from _section(section, f"{name}.")


def _setting(name: str, field: FieldInfo, dotted: str) -> Iterator[str]:
    if field.description:
        yield f"# {field.description}"
    value = SHOWN.get(dotted, field.get_default(call_default_factory=dotted not in SHOWN))
    if dotted in SHOWN or value is None or value is PydanticUndefined:
        yield f"# {name} = {_toml(value if dotted in SHOWN else '')}\n"
    else:
        yield f"{name} = {_toml(value)}\n"


def _toml(value: object) -> str:
    if value == {}:
        return "{}"
    if isinstance(value, tuple | list | frozenset):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value if isinstance(value, bool | int | float) else str(value), ensure_ascii=False)


if __name__ == "__main__":
    EXAMPLE.write_text(render(), encoding="utf-8")
