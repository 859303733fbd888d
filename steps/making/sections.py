"""What a section of params.yaml is; the values that many have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
Sample = Annotated[int, Field(ge=2)]  # of which a variance is taken
Drawn = Annotated[int, Field(ge=1, le=1_000_000)]  # generations: a range of ids has so many
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
PathText = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Open(Section):
    """A section whose further keys are the options of the method that it names."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
