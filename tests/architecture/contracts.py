"""Import-linter contract: a package is entered only through its public modules."""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PublicDoors(Contract):
    container = fields.StringField()
    doors = fields.ListField(subfield=fields.StringField())
    insiders = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001 - import-linter's signature
        del verbose
        prefix = self.container + "."
        broken: list[str] = []
        for imported in graph.modules:
            domain, _, rest = imported.removeprefix(prefix).partition(".")
            if not imported.startswith(prefix) or rest.split(".")[0] in self.doors:
                continue
            allowed = (prefix + domain, *(self.insiders or []))
            broken += [
                f"{importer} -> {imported}"
                for importer in graph.find_modules_that_directly_import(imported)
                if not any(f"{importer}.".startswith(f"{inside}.") for inside in allowed)
            ]
        return ContractCheck(kept=not broken, metadata={"broken": sorted(broken)})

    def render_broken_contract(self, check: Any) -> None:
        for line in check.metadata["broken"]:
            output.print_error(line)
