"""What params.yaml may say: one strict model a section; the same model makes a step's options.

A value's meaning, range, paper section and default stand here, and nowhere else: params.yaml,
``--help`` and workflow/schemas/params.schema.json are written from it. What has no default is of
one's own generator: where it lies, how large its images are, which of its layers are looked at.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from steps.making.rows import CorrectGenerations, FitCorrections, ScoreUnits
from steps.making.sections import (
    Count,
    Drawn,
    Fraction,
    LayerName,
    Open,
    PathText,
    Sample,
    Section,
    Seed,
)

FITTED = "results/fit_corrections"
CHOICE = "results/choose_correction/edits.json"


class Inputs(Section):
    """What the pipeline is run on."""

    generator: PathText = Field(description="Checkpoint of the generator.")
    reals: PathText = Field(description="Real images: folder, .zip, LSUN LMDB or image set.")
    labels: PathText = Field(description="Labels file: one JSON line a verdict.")
    truth: PathText = Field(
        default="params/no_truth", description="Folder of known truth, or params/no_truth."
    )


class Run(Section):
    """How it is computed; the same on every machine that is to give the same bytes."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: a GPU where there is one."
    )
    threads: int = Field(default=2, ge=1, le=256, description="CPU threads of a stage.")
    batch: int = Field(default=8, ge=1, le=4096, description="Generations computed at once.")
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="Of the generator's layers."
    )
    channels_last: bool = Field(
        default=False, description="Lay the generator's weights out channels last."
    )
    portable: bool = Field(
        default=True,
        description="The same bytes on every x86-64 processor, or the processor's own speed.",
    )


class SampleGenerations(Section):
    """Generations with a latent seed an id (paper, section 3)."""

    labelled: Drawn = Field(
        default=2000, description="Generations to label, mask and score: ids 0 ..."
    )
    unlabelled: Drawn = Field(
        default=2000, description="For unit thresholds and statistics: ids 1000000 ..."
    )
    heldout: Drawn = Field(
        default=100, description="Evaluated where the truth is known: ids 2000000 ..."
    )


class ReadReals(Section):
    """The real images as one set, by the rules of artifact_units/images/real_images.py."""

    px: int = Field(ge=4, le=2048, description="Height and width, the generator's.")
    crop: Literal["centre", "none"] = Field(
        default="centre",
        description="centre: the middle square; none: the whole image, squeezed to a square.",
    )
    images: Count = Field(
        default=10000, description="At most so many, in the order of their names."
    )


class LabelGenerations(Section):
    """The labels file settled into one label a generation, and split."""

    validation: Fraction = Field(
        default=0.15, description="Share of the labels kept for early stopping."
    )
    test: Fraction = Field(
        default=0.25, description="Share kept for the reported accuracy, used nowhere else."
    )
    least: Count = Field(default=200, description="Labels that each class must have.")
    seed: Seed = Field(default=0, description="Of the stratified split.")
    kinds: list[str] = Field(
        default=[], description="Kinds of artifact that the run is about; empty: all."
    )
    other_kinds: Literal["left_out", "normal"] = Field(
        default="left_out", description="What artifacts of other kinds are to such a run."
    )


class TrainClassifier(Section):
    """A trunk with one fully connected layer: artifact / normal / real (paper, section 3.1)."""

    network: Literal["resnet18", "resnet18_narrow", "efficientnet_lite0"] = Field(
        default="resnet18",
        description="The paper: resnet18; resnet18_narrow: widths 16-32-48-64, for small images.",
    )
    weights: PathText = Field(
        default="weights/resnet18-f37072fd.pth",
        description="Local ImageNet weights of that network, or params/no_weights: from scratch.",
    )
    frozen: bool = Field(default=False, description="Train the fully connected layer only.")
    px: int = Field(
        default=224, ge=16, le=1024, description="Images are resized to this before the network."
    )
    reals: Count = Field(default=2000, description="Real images used.")
    epochs: int = Field(
        default=8, ge=1, le=1000, description="At most; the best on validation is kept."
    )
    minibatch: Count = Field(default=32, description="Images a training step.")
    rate: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.0002, description="AdamW's learning rate."
    )
    seed: Seed = Field(default=0, description="Of initial weights, order and flips.")


class ComputeMasks(Open):
    """Where the artifact is (paper, section 3.1); more keys are the masker's own options."""

    masker: str = Field(default="grad_cam", description="A file of artifact_units/maskers.")
    heatmaps: PathText = Field(
        default="params/no_heatmaps",
        description="Folder of heatmaps for the masker from_files, or params/no_heatmaps.",
    )


class CollectFeaturemaps(Section):
    """Histograms of every unit, and the labelled generations' featuremaps."""

    layers: list[LayerName] = Field(min_length=1, description="Layers whose units are scored.")
    images: Count = Field(default=300, description="At most so many of each label, in id order.")
    limit_gb: Annotated[float, Field(gt=0, le=1e6)] = Field(
        default=4.0, description="Refuse to write more than this (1e9 bytes)."
    )


class ExtractFeatures(Section):
    """Features of images for the metrics."""

    extractor: str = Field(default="inception", description="A file of artifact_units/extractors.")
    weights: PathText = Field(
        default="weights/weights-inception-2015-12-05-6726825d.pth",
        description="Its local weights file; nothing is ever fetched.",
    )
    reals: Count = Field(default=10000, description="Real images, the same in every row.")


class EvaluateGenerations(Section):
    """Distances and realism of every correction (paper, section 4)."""

    neighbours: int = Field(
        default=3, ge=1, le=100, description="k of realism, precision and recall."
    )
    subsets: Count = Field(default=50, description="Subsets of the kernel distance.")
    subset_size: Sample = Field(default=50, description="Images a subset.")
    bootstrap: int = Field(
        default=200, ge=0, le=10000, description="Resamplings for the intervals; 0: none."
    )
    seed: Seed = Field(default=0, description="Of subsets and resamplings.")
    weights: PathText = Field(
        default="params/no_weights",
        description="Local weights of ST-LPIPS, or params/no_weights: none.",
    )


class EvaluationRun(EvaluateGenerations, FitCorrections):
    """What the step takes: how to measure, and which corrections there are."""


class ExportGenerator(Section):
    """The corrected checkpoint, in its own layout where that is exact."""

    edits: PathText = Field(
        default=CHOICE,
        description="edits.json: the choice's, or results/fit_corrections/NAME/edits.json.",
    )


class Report(Section):
    """The HTML page."""

    generations: int = Field(default=10, ge=1, le=200, description="Rows of the picture.")
    units: int = Field(default=8, ge=1, le=100, description="Worst units shown.")
    failures: int = Field(default=6, ge=0, le=100, description="Failure cases shown.")


class Params(Section):
    """The whole of params.yaml."""

    inputs: Inputs
    run: Run = Run()
    sample_generations: SampleGenerations = SampleGenerations()
    read_reals: ReadReals
    label_generations: LabelGenerations = LabelGenerations()
    train_classifier: TrainClassifier = TrainClassifier()
    compute_masks: ComputeMasks = ComputeMasks()
    collect_featuremaps: CollectFeaturemaps
    score_units: ScoreUnits = ScoreUnits()
    fit_corrections: FitCorrections
    correct_generations: CorrectGenerations = CorrectGenerations()
    extract_features: ExtractFeatures = ExtractFeatures()
    evaluate_generations: EvaluateGenerations = EvaluateGenerations()
    export_generator: ExportGenerator = ExportGenerator()
    report: Report = Report()
