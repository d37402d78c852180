"""What the rows of a file mean, and what they would do to the contacts."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from appliance.core.folding import fold
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.rules import fields, identities
from appliance.domains.contacts.rules.spreadsheets import plain_cell
from appliance.domains.contacts.rules.text import unscrambled
from appliance.domains.contacts.types import Identity, IdentityKind, ImportRow, ImportTarget

EXTERNAL_SCOPE = "import"
_LONGEST = {"name": 200, "company": 200, "phone": 60, "region": 120}
_CHECKED = (str(ImportTarget.EMAIL), str(ImportTarget.DOCUMENT), str(ImportTarget.BORN_ON))
_REPEATABLE = {ImportTarget.TAGS, ImportTarget.ATTRIBUTE}
_SUMS = frozenset({"total", "totais", "totals", "total geral", "grand total", "subtotal", "sub total", "soma", "sum"})
_DATE_FORMATS = ("%d/%m/%Y", "%Y-%m-%d", "%d/%m/%y", "%d-%m-%Y", "%d.%m.%Y")
_SPOKEN = {
    ImportTarget.NAME: "nome name nome_completo full_name cliente customer contato contact",
    ImportTarget.FIRST_NAME: "primeiro_nome first_name given_name",
    ImportTarget.LAST_NAME: "sobrenome last_name ultimo_nome family_name surname",
    ImportTarget.COMPANY: "empresa company organizacao organization razao_social nome_fantasia",
    ImportTarget.EMAIL: "email e_mail mail endereco_de_email email_address",
    ImportTarget.PHONE: "telefone celular fone phone phone_e164 phone_number mobile whatsapp tel numero",
    ImportTarget.DOCUMENT: "cpf cnpj cpf_cnpj documento document tax_id",
    ImportTarget.BORN_ON: "nascimento data_de_nascimento birthday birth_date date_of_birth born_on",
    ImportTarget.REGION: "uf estado cidade cidade_uf city state regiao region",
    ImportTarget.TAGS: "tags tag etiquetas marcadores labels",
    ImportTarget.EXTERNAL_ID: "id codigo code external_id id_externo",
}
_TARGET_OF = {word: target for target, words in _SPOKEN.items() for word in words.split()}


def guess_mapping(headers: Iterable[str]) -> dict[str, ImportTarget]:
    """What each column seems to hold. A column nobody knows is kept as an attribute, so that nothing is lost."""
    guessed: dict[str, ImportTarget] = {}
    for header in headers:
        target = _TARGET_OF.get("_".join(re.findall(r"\w+", fold(header).replace("_", " "))), ImportTarget.ATTRIBUTE)
        taken = target in guessed.values() and target not in _REPEATABLE
        guessed[header] = ImportTarget.ATTRIBUTE if taken else target
    return guessed


@dataclass(frozen=True)
class Entry:
    """One row understood: columns of a contact, the ids that recognise it; `unreadable` fields were left empty, `doubtful` kept."""

    columns: dict[str, Any]
    identities: list[Identity]
    unreadable: tuple[InvalidField, ...] = ()
    doubtful: tuple[InvalidField, ...] = ()


def read_entry(row: ImportRow, headers: list[str], mapping: Mapping[str, str], *, region: str, tags: Iterable[str]) -> Entry:
    """Raises InvalidField when nobody is left to keep."""
    given = _given(row, headers, mapping)
    unreadable = tuple(_take_out_unreadable(given, region))
    external_id = given.pop(ImportTarget.EXTERNAL_ID, None)
    given["tags"] = [*given.get("tags", ()), *tags]
    columns = fields.columns(given, region)
    ids = fields.identities_in(columns)
    if external_id:
        ids.insert(0, Identity(IdentityKind.EXTERNAL, external_id, EXTERNAL_SCOPE))
    if not ids and not any(columns.get(name) for name in ("name", "company", "phone_raw")):
        raise next(iter(unreadable), InvalidField("name", _("This row names nobody: no name, e-mail or phone.")))
    if not ids and is_sum(columns):
        raise InvalidField("name", _("This row is a sum of the others, not a person: it was left out."))
    return Entry(columns, ids, unreadable, tuple(_doubtful(columns)))


def is_sum(columns: Mapping[str, Any]) -> bool:
    """“Total” under a sheet. Whoever is only called like it (Total Energia) stays."""
    called = {" ".join(re.findall(r"[a-z]+", fold(str(columns[name])))) for name in ("name", "company") if columns.get(name)}
    is_somebody = any(columns.get(name) for name in ("phone_raw", "document", "born_on"))
    return bool(called) and called <= _SUMS and not is_somebody


def _doubtful(columns: Mapping[str, Any]) -> Iterator[InvalidField]:
    if columns.get("phone_invalid"):
        said = _("“%(phone)s” is no phone number. It was kept as it is written; nobody is reached by it.", phone=columns["phone_raw"])
        yield InvalidField("phone", said)


def _take_out_unreadable(given: dict[str, Any], region: str) -> Iterator[InvalidField]:
    """One bad cell costs its field, not the person."""
    for name in _CHECKED:
        if name not in given:
            continue
        try:
            given[name] = _date(given[name]) if name == ImportTarget.BORN_ON else fields.columns({name: given[name]}, region)[name]
        except InvalidField as err:
            del given[name]
            yield err


def _given(row: ImportRow, headers: list[str], mapping: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    names: dict[str, str] = {}
    for header, cell in zip(headers, row.cells, strict=False):
        target = mapping.get(header, ImportTarget.IGNORE)
        if not cell or target == ImportTarget.IGNORE or not (value := unscrambled(plain_cell(cell).replace("\x00", "").strip())):
            continue
        if target in (ImportTarget.FIRST_NAME, ImportTarget.LAST_NAME):
            names[target] = value
        elif target == ImportTarget.ATTRIBUTE:
            given.setdefault("attributes", {})[header[:80]] = value[:1000]
        else:
            _put(given, target, value)
    if names and "name" not in given:
        _put(given, ImportTarget.NAME, " ".join(names[part] for part in sorted(names)))
    return given


def _put(given: dict[str, Any], target: str, value: str) -> None:
    match target:
        case ImportTarget.TAGS:
            given["tags"] = [*given.get("tags", ()), *(tag[:60] for tag in re.split(r"[,;|]", value))]
        case _:
            given[str(target)] = value[: _LONGEST.get(target, 320)]


def _date(value: str) -> date:
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(value, form).date()  # noqa: DTZ007 - a birthday has no zone
        except ValueError:
            continue
    raise InvalidField("born_on", _("This is not a date. Write it as 31/12/1990."))


@dataclass
class Plan:
    """What a slice would do. `claims` are ids that nobody had, for the contact they go to; `together` whose ids stood in one row."""

    new: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    known: list[tuple[UUID, dict[str, Any]]] = field(default_factory=list)
    claims: dict[Identity, UUID] = field(default_factory=dict)
    together: list[tuple[UUID, UUID]] = field(default_factory=list)
    rows_updated: int = 0

    def people(self) -> list[UUID]:
        """All whom it is about, once each."""
        return list(dict.fromkeys([*self.new, *(contact_id for contact_id, _columns in self.known)]))


@dataclass
class Rehearsal:
    """Whom a dry run met in earlier slices: they are written nowhere. `owners` by the hash of their ids, as they may be many."""

    owners: dict[int, UUID] = field(default_factory=dict)
    met: set[UUID] = field(default_factory=set)

    def owners_of(self, ids: Iterable[Identity]) -> dict[Identity, UUID]:
        return {identity: owner for identity in ids if (owner := self.owners.get(hash(identity)))}

    def remember(self, result: Plan) -> list[UUID]:
        """Those of the slice who were not met before, once each."""
        self.owners |= {hash(identity): contact_id for identity, contact_id in result.claims.items()}
        new = [contact_id for contact_id in result.people() if contact_id not in self.met]
        self.met.update(new)
        return new


def plan(entries: Iterable[Entry], owners: Mapping[Identity, UUID], make_id: Callable[[], UUID]) -> Plan:
    """`owners` says whose the ids are that these entries might mean, in all their forms."""
    result, known = Plan(), dict(owners)
    for entry in entries:
        theirs = identities.in_order(entry.identities, known)
        contact_id = next(iter(theirs), None)
        if contact_id is None:
            contact_id = make_id()
            result.new[contact_id] = dict(entry.columns)
        else:
            result.rows_updated += 1
            _complete(result, contact_id, entry.columns)
        result.together += [(contact_id, other) for other in theirs[1:]]
        for identity in entry.identities:
            if not identities.in_order([identity], known):
                known[identity] = result.claims[identity] = contact_id
    return result


def _complete(result: Plan, contact_id: UUID, columns: dict[str, Any]) -> None:
    """A second row about somebody new completes the first; one about somebody known waits for the database."""
    if first := result.new.get(contact_id):
        first.update(fields.completion(first, columns))
    else:
        result.known.append((contact_id, columns))
