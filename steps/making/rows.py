"""The sections of params.yaml that hold named rows: rankings, corrections."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from steps.making.sections import Count, Fraction, Open, Sample, Section, Seed, Weight

RANKINGS: Any = {
    "defective_score": {"ranking": "defective_score"},
    "random": {"ranking": "random_order", "repeats": 5},
    "unit_fid": {"ranking": "unit_fid", "top": 0.05},
    "range_excess": {"ranking": "range_excess"},
}


class RankingEntry(Open):
    """One row of score_units.rankings; more keys are the ranking's own options."""

    ranking: str = Field(description="A file of artifact_units/rankings.")
    repeats: int = Field(
        default=1, ge=1, le=100, description="Of a ranking that draws: so many draws."
    )


class Scoring(Section):
    """How units are compared with masks; the same in every ranking."""

    mask_threshold: Fraction = Field(default=0.5, description="Heatmap above this is mask.")
    quantile: Fraction = Field(
        default=0.95, description="A unit is on above this quantile of its values."
    )
    iou_px: int = Field(
        default=64, ge=4, le=1024, description="Grid on which unit and mask are compared."
    )
    bootstrap: int = Field(
        default=200, ge=0, le=10000, description="Resamplings for the interval; 0: none."
    )
    seed: Seed = Field(default=0, description="Of random orders and resamplings.")


class ScoringRun(Scoring, RankingEntry):
    """What the step takes: how to compare, and one ranking."""


class ScoreUnits(Scoring):
    """A score for every unit by every ranking (paper, section 3.2)."""

    rankings: dict[str, RankingEntry] = Field(
        default=RANKINGS, validate_default=True, min_length=1, description="Name -> ranking."
    )


class CorrectionEntry(Open):
    """One row of fit_corrections.corrections; more keys are the corrector's own options.

    An option that is a list of values is searched.
    """

    ranking: str = Field(description="A name of score_units.rankings.")
    corrector: str = Field(description="A file of artifact_units/correctors.")
    gate: Fraction = Field(
        default=0,
        description="Artifact probability from which a generation is corrected; 0: every one.",
    )


class LookedAt(Section):
    """What candidates are judged on; the same of every correction."""

    artifacts: Sample = Field(
        default=30, description="Labelled artifacts looked at, of the validation split."
    )
    normals: Sample = Field(
        default=30, description="Labelled normals looked at, of the validation split."
    )
    harm: Weight = Field(
        default=10.0,
        description="Weight of the normals' change beside the artifacts' probability.",
    )
    budget: Count = Field(default=12, description="Candidates that a search may try.")


class FitRun(LookedAt, CorrectionEntry):
    """What the step takes: what is looked at, and one correction."""


class FitCorrections(LookedAt):
    """Corrections to compare (paper, section 3.3, Algorithm 1); lists of values are searched."""

    corrections: dict[str, CorrectionEntry] = Field(min_length=1, description="Name -> correction.")


class CorrectGenerations(Section):
    """Which generations are corrected, by truth or label; the same in every correction."""

    artifacts: Count = Field(
        default=100,
        description="Held-out artifacts where the truth is known, else those of the test labels.",
    )
    normals: Count = Field(default=100, description="And normal generations.")
