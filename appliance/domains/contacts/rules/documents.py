"""Brazilian tax ids: CPF of a person, CNPJ of a company (alphanumeric since July 2026, IN RFB 2.229/2024)."""

import re
from collections.abc import Iterable

_CPF = re.compile(r"\d{11}")
_CNPJ = re.compile(r"[0-9A-Z]{12}\d{2}")
_CPF_WEIGHTS = range(11, 1, -1)
_CNPJ_WEIGHTS = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)


def normalise_document(raw: str) -> str | None:
    """Letters and digits only, or None when the check digits do not fit."""
    bare = re.sub(r"[\s./-]", "", raw).upper()
    return bare if is_cpf(bare) or is_cnpj(bare) else None


def is_cpf(bare: str) -> bool:
    return bool(_CPF.fullmatch(bare)) and _is_checked(bare, _CPF_WEIGHTS)


def is_cnpj(bare: str) -> bool:
    return bool(_CNPJ.fullmatch(bare)) and _is_checked(bare, _CNPJ_WEIGHTS)


def _is_checked(bare: str, weights: Iterable[int]) -> bool:
    if len(set(bare)) == 1:  # 111.111.111-11 adds up, and was never given to anybody
        return False
    second = tuple(weights)
    return bare[-2:] == _check_digit(bare[:-2], second[1:]) + _check_digit(bare[:-1], second)


def _check_digit(body: str, weights: Iterable[int]) -> str:
    rest = sum((ord(char) - ord("0")) * weight for char, weight in zip(body, weights, strict=True)) % 11
    return str(0 if rest < 2 else 11 - rest)  # noqa: PLR2004 - modulus 11: 10 and 11 are written 0
