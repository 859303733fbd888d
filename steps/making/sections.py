"""What a section of params.yaml is; the values that many have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Sample = Annotated[int, Field(ge=2, le=1_000_000)]  # of which a variance is taken
Drawn = Annotated[int, Field(ge=1, le=1_000_000)]  # generations: a range of ids has so many
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Weight = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
PathText = Annotated[
    str, Field(min_length=1, max_length=4096, pattern=r"^[^-\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
]
# It is an option's value, and part of a file's name.
LAYER = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
LayerName = Annotated[str, Field(max_length=200, pattern=LAYER)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Open(Section):
    """A section whose further keys are the options of the method that it names."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
