"""What params.yaml may say: one strict model a section; the same model makes a step's options.

A value's meaning, range and paper section stand here (and so in ``--help`` and in
workflow/schemas/params.schema.json); its value stands in params.yaml and nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from steps.making.sections import (
    AnnotateGenerations,
    Count,
    Drawn,
    Fraction,
    Open,
    PathText,
    PlantDefects,
    RenderReals,
    Section,
    Seed,
)


class Inputs(Section):
    """What the pipeline is run on."""

    generator: PathText = Field(description="Checkpoint of the generator.")
    reals: PathText = Field(description="Real images: folder, .zip, LSUN LMDB or image set.")
    labels: PathText = Field(description="Labels file: one JSON line a verdict.")
    truth: PathText = Field(description="Folder of known truth, or params/no_truth.")


class Run(Section):
    """How it is computed; the same on every machine that is to give the same bytes."""

    device: Literal["auto", "cpu", "cuda"] = Field(description="auto: a GPU where there is one.")
    threads: int = Field(ge=1, le=256, description="CPU threads of a stage.")
    batch: int = Field(ge=1, le=4096, description="Generations computed at once.")
    precision: Literal["float32", "bfloat16"] = Field(description="Of the generator's layers.")
    channels_last: bool = Field(description="Lay the generator's weights out channels last.")


class SampleGenerations(Section):
    """Generations with a latent seed an id (paper, section 3)."""

    labelled: Drawn = Field(description="Generations to label, mask and score: ids 0 ...")
    unlabelled: Drawn = Field(description="For unit thresholds and statistics: ids 1000000 ...")
    heldout: Drawn = Field(description="Corrected and evaluated only: ids 2000000 ...")


class ReadReals(Section):
    """The real images as one set, by the rules of artifact_units/images/real_images.py."""

    px: int = Field(ge=4, le=2048, description="Height and width, the generator's.")
    crop: Literal["centre", "none"] = Field(
        description="centre: the middle square; none: the whole image, squeezed to a square."
    )
    images: Count = Field(description="At most so many, in the order of their names.")


class LabelGenerations(Section):
    """The labels file settled into one label a generation, and split."""

    validation: Fraction = Field(description="Share of the labels kept for early stopping.")
    test: Fraction = Field(description="Share kept for the reported accuracy, used nowhere else.")
    least: Count = Field(description="Labels that each class must have.")
    seed: Seed = Field(description="Of the stratified split.")


class TrainClassifier(Section):
    """A trunk with one fully connected layer: artifact / normal / real (paper, section 3.1)."""

    network: Literal["resnet18", "resnet18_narrow", "efficientnet_lite0"] = Field(
        description="The paper: resnet18; resnet18_narrow: widths 16-32-48-64, for small images."
    )
    weights: PathText = Field(
        description="Local ImageNet weights of that network, or params/no_weights: from scratch."
    )
    frozen: bool = Field(description="Train the fully connected layer only.")
    px: int = Field(ge=16, le=1024, description="Images are resized to this before the network.")
    reals: Count = Field(description="Real images used.")
    epochs: int = Field(ge=1, le=1000, description="At most; the best on validation is kept.")
    minibatch: Count = Field(description="Images a training step.")
    rate: Annotated[float, Field(gt=0, le=1)] = Field(description="AdamW's learning rate.")
    seed: Seed = Field(description="Of initial weights, order and flips.")


class ComputeMasks(Open):
    """Where the artifact is (paper, section 3.1); more keys are the masker's own options."""

    masker: str = Field(description="A file of artifact_units/maskers.")
    heatmaps: PathText = Field(
        description="Folder of heatmaps for the masker from_files, or params/no_heatmaps."
    )


class CollectFeaturemaps(Section):
    """Histograms of every unit, and the labelled generations' featuremaps."""

    layers: list[str] = Field(min_length=1, description="Layers whose units are scored.")
    images: Count = Field(description="At most so many of each label, in id order.")
    limit_gb: Annotated[float, Field(gt=0)] = Field(
        description="Refuse to write more than this (1e9 bytes)."
    )


class RankingEntry(Open):
    """One row of score_units.rankings; more keys are the ranking's own options."""

    ranking: str = Field(description="A file of artifact_units/rankings.")
    normalise: Literal["none", "max", "minmax"] = Field(
        description="Normalisation of the scores per layer (Algorithm 1 takes normalised ones)."
    )
    repeats: int = Field(1, ge=1, le=100, description="Of a ranking that draws: so many draws.")


class Scoring(Section):
    """How units are compared with masks; the same in every ranking."""

    mask_threshold: Fraction = Field(description="Heatmap above this is mask.")
    quantile: Fraction = Field(description="A unit is on above this quantile of its values.")
    iou_px: int = Field(ge=4, le=1024, description="Grid on which unit and mask are compared.")
    bootstrap: int = Field(ge=0, le=10000, description="Resamplings for the interval; 0: none.")
    seed: Seed = Field(description="Of random orders and resamplings.")


class ScoringRun(Scoring, RankingEntry):
    """What the step takes: how to compare, and one ranking."""


class ScoreUnits(Scoring):
    """A score for every unit by every ranking (paper, section 3.2)."""

    rankings: dict[str, RankingEntry] = Field(min_length=1, description="Name -> ranking.")


class ChooseCorrection(Section):
    """The search for a correction where no truth is known; its values are tried axis by axis."""

    artifacts: Count = Field(description="Labelled artifacts looked at, of the validation split.")
    normals: Count = Field(description="Labelled normals looked at, of the validation split.")
    harm: float = Field(
        ge=0,
        allow_inf_nan=False,
        description="Weight of the normals' change beside the artifacts' probability.",
    )
    ranking: list[str] = Field(min_length=1, description="Names of score_units.rankings.")
    corrector: list[str] = Field(min_length=1, description="Files of artifact_units/correctors.")
    n: list[int] = Field(min_length=1, description="Units a layer.")
    start: list[int] = Field(min_length=1, description="First layers.")
    stop: list[int] = Field(min_length=1, description="Last layers.")
    scale: list[float] = Field(min_length=1, description="Factors (the paper's lambda).")


class CorrectionEntry(Open):
    """One row of correct_generations.corrections; more keys are the corrector's own options."""

    ranking: str = Field(description="A name of score_units.rankings.")
    corrector: str = Field(description="A file of artifact_units/correctors.")
    gate: Fraction = Field(
        0, description="Artifact probability from which a generation is corrected; 0: every one."
    )


class HeldOut(Section):
    """Which held-out generations are corrected; the same in every correction."""

    artifacts: Count = Field(description="Held-out generations that the classifier calls artifact.")
    normals: Count = Field(description="Held-out generations that it calls normal.")
    confidence: Fraction = Field(description="Probability from which its verdict is taken.")


class CorrectionRun(HeldOut, CorrectionEntry):
    """What the step takes: which generations, and one correction."""


class CorrectGenerations(HeldOut):
    """Corrections to compare, on held-out generations (paper, section 3.3, Algorithm 1)."""

    corrections: dict[str, CorrectionEntry] = Field(min_length=1, description="Name -> correction.")


class ExtractFeatures(Section):
    """Features of images for the metrics."""

    extractor: str = Field(description="A file of artifact_units/extractors.")
    weights: PathText = Field(description="Its local weights file; nothing is ever fetched.")
    reals: Count = Field(description="Real images, the same in every row.")


class EvaluateGenerations(Section):
    """Distances and realism of every correction (paper, section 4)."""

    neighbours: int = Field(ge=1, le=100, description="k of realism, precision and recall.")
    subsets: Count = Field(description="Subsets of the kernel distance.")
    subset_size: int = Field(ge=2, description="Images a subset.")
    bootstrap: int = Field(ge=0, le=10000, description="Resamplings for the intervals; 0: none.")
    seed: Seed = Field(description="Of subsets and resamplings.")
    weights: PathText = Field(description="Local weights of ST-LPIPS, or params/no_weights: none.")


class EvaluationRun(EvaluateGenerations, CorrectGenerations):
    """What the step takes: how to measure, and which corrections there are."""


class ExportGenerator(Section):
    """The corrected checkpoint, in its own layout where that is exact."""

    correction: str = Field(description="A name of correct_generations.corrections.")


class Report(Section):
    """The HTML page."""

    generations: int = Field(ge=1, le=200, description="Rows of the picture.")
    units: int = Field(ge=1, le=100, description="Worst units shown.")
    failures: int = Field(ge=0, le=100, description="Failure cases shown.")


class Params(Section):
    """The whole of params.yaml."""

    inputs: Inputs
    run: Run
    render_reals: RenderReals
    plant_defects: PlantDefects
    annotate_generations: AnnotateGenerations
    sample_generations: SampleGenerations
    read_reals: ReadReals
    label_generations: LabelGenerations
    train_classifier: TrainClassifier
    compute_masks: ComputeMasks
    collect_featuremaps: CollectFeaturemaps
    score_units: ScoreUnits
    choose_correction: ChooseCorrection
    correct_generations: CorrectGenerations
    extract_features: ExtractFeatures
    evaluate_generations: EvaluateGenerations
    export_generator: ExportGenerator
    report: Report
