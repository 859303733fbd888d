"""What `survey_units` takes: a command of its own, so no section of params.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from steps.making.sections import Count, Fraction, LayerName, Section, Seed, Weight


class SurveyUnits(Section):
    """How the survey looks, and how much of it."""

    layers: list[LayerName] = Field(
        default=[], description="Layers whose units are tried; none: all."
    )
    images: int = Field(
        default=20,
        ge=2,
        le=1_000_000,
        description="Artifacts (of each kind) and normals looked at by the screen.",
    )
    candidates: Count = Field(default=2000, description="Tried at most; sets before single units.")
    sizes: list[Count] = Field(
        default=[3, 10],
        min_length=1,
        description="Units a layer of the sets that rankings propose.",
    )
    up: Annotated[float, Field(gt=1, le=1000)] = Field(
        default=2.0, description="Factor of the edit up."
    )
    confirmed: Count = Field(default=5, description="Best candidates confirmed, of each kind.")
    harm: Weight = Field(
        default=10.0,
        description="Weight of the normals' change beside the artifacts' probability.",
    )
    least: Fraction = Field(
        default=0.5, description="Share of the gap that units close which move artifacts."
    )
    bootstrap: int = Field(
        default=4000, ge=1000, le=100000, description="Resamplings for the intervals."
    )
    seed: Seed = Field(default=1, description="Of the two judges and of resamplings.")
