"""Shapes in and out: every request and answer is one of these, and so is every line of the OpenAPI document."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")
MAX_LIMIT = 200


class Schema(BaseModel):
    """Base of request and answer bodies. Unknown fields are refused, text is trimmed."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, str_strip_whitespace=True)


class PageQuery(Schema):
    page: int = Field(1, ge=1, le=100_000)
    limit: int = Field(50, ge=1, le=MAX_LIMIT)

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, with the total over all pages."""

    items: Sequence[T]
    total: int
    page: int
    limit: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.limit))


class PageOf(Schema, Generic[T]):
    items: list[T]
    total: int
    page: int
    limit: int


class Problem(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    fields: dict[str, str] = Field(default_factory=dict)
