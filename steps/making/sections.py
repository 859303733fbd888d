"""What a section of params.yaml is; the values that many have; the embedded domain's sections."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
Drawn = Annotated[int, Field(ge=1, le=1_000_000)]  # generations: a range of ids has so many
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
PathText = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Open(Section):
    """A section whose further keys are the options of the method that it names."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class RenderReals(Section):
    """Embedded domain: the rendered real images."""

    images: Count = Field(description="Real images.")
    px: Literal[64] = Field(description="Height and width, the embedded generator's.")
    seed: Seed = Field(description="Stream of the renderer; the generator trained on another.")


class PlantDefects(Section):
    """Embedded domain: defects with a known truth, planted into a good generator."""

    seed: Seed = Field(description="First seed tried; later ones where it is not accepted.")
    tries: int = Field(ge=1, le=200, description="Seeds tried before giving up.")
    lowest: Fraction = Field(description="Smallest accepted fraction of artifact generations.")
    highest: Fraction = Field(description="Largest accepted fraction of artifact generations.")
    single_layer: Fraction = Field(
        description="Accepted only if no one layer's ablation recovers more than this."
    )


class AnnotateGenerations(Section):
    """Embedded domain: a simulated annotator who looks at the truth and errs at a stated rate."""

    error_rate: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        description="Fraction of verdicts that are wrong."
    )
    mask_difference: Annotated[float, Field(gt=0, lt=2)] = Field(
        description="Smoothed |broken - clean| (signed range) above which a pixel is artifact."
    )
    area: Fraction = Field(description="Artifact area from which a generation is an artifact.")
    reference: Drawn = Field(description="Generations of the clean generator at other latents.")
    seed: Seed = Field(description="Which verdicts are wrong.")
