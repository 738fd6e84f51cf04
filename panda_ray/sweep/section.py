"""What all sections of a sweep file have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """Frozen; unknown keys, values of another type and infinities are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class NamedSection(Section):
    """A section that may be written as its name alone: `pot` for `{method: pot}`."""

    short_key: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {cls.short_key: value} if isinstance(value, str) else value
