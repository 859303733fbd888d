"""Values of params.yaml that agree with the schema and would be refused by a late stage.

What that stage says itself, said in the first second, as far as it can be known beforehand. Nothing
heavy is imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from artifact_units.errors import UserError
from steps.making.parameters import Params
from steps.making.rows import CorrectionEntry
from steps.making.values import bounds_of

FINITE = Field(allow_inf_nan=False)
PART = Field(gt=0, le=1)
# What options may be, by their name or, where only one method has it so, the method's and theirs.
RANGES = {
    "n": Field(ge=0),
    "start": Field(ge=1),
    "stop": Field(ge=1),
    "scale": Field(ge=0),
    "boundary.cost": Field(gt=0),
    "clip.tail": Field(ge=0, lt=0.5),
    "from_files.grid": Field(ge=1, le=1024),
    "local_activation.share": PART,
    "rare_neurons.rate": PART,
    "rejection.least": PART,
    "rejection.tries": Field(ge=1),
    "truncation.bound": Field(gt=0),
    "unit_fid.top": PART,
}
Options = Mapping[str, Any]


def number_checks(params: Params) -> Iterator[Callable[[], None]]:
    """Whether one section asks for more than another gives: each a UserError where it does."""
    yield partial(_check_split, params)
    for asked, most in _pairs():
        yield partial(_check_most, params.model_dump(), asked, most)
    yield partial(_check_drawn, params)


def _check_split(params: Params) -> None:
    split = params.label_generations
    if split.validation + split.test >= 1:
        said = f"label_generations.validation {split.validation} and test {split.test}"
        raise UserError(f"{said} leave nothing to train on; together they must be below 1")


def _check_most(values: Mapping[str, Any], asked: str, most: str) -> None:
    wanted, there = _at(values, asked), _at(values, most)
    least = wanted + 1 if asked.endswith("neighbours") else wanted  # and the image itself
    if least > there:
        more = f" (+ 1: an image is no neighbour of its own), which is above {most} {there}"
        said = more if least > wanted else f" is above {most} {there}"
        raise UserError(f"{asked} {wanted}{said}; raise that, or lower it")


def check_range(method: str, option: str, value: Any, place: str) -> None:
    """A UserError where an option's value, of the right type, is none that the method takes."""
    limits = RANGES.get(f"{method}.{option}") or RANGES.get(option)
    if limits is None:
        return
    try:
        TypeAdapter(Annotated[float, limits, FINITE]).validate_python(value)
    except ValidationError:
        takes = ", ".join(bounds_of(limits.metadata))
        raise UserError(f"{place} is {value!r}; it takes a number, {takes}") from None


def check_top(params: Params, options: Options, place: str) -> None:
    """A UserError where the ranking ``unit_fid`` would look at less than two generations."""
    top, there = options["top"], params.sample_generations.unlabelled
    if round(top * there) < 2:
        raise UserError(
            f"{place}.top {top} of sample_generations.unlabelled {there} are less than the 2 that "
            "have a covariance; raise one of them"
        )


def check_layers(params: Params, options: Options, place: str) -> None:
    """A UserError where a correction, by its options, edits a layer that has no scores."""
    if isinstance(layer := options.get("layer"), str):
        _check_scored(params, [layer], f"{place}.layer")
    start, stop = options.get("start", 1), options.get("stop")
    if not isinstance(start, int) or not isinstance(stop, int):
        return
    if start > stop:
        raise UserError(f"{place}: start {start} is above stop {stop}; no layer would be edited")
    _check_scored(params, _names(start, stop), f"{place}.stop {stop}")


def check_export(name: str, correction: CorrectionEntry, latent: Callable[[str], bool]) -> None:
    """A UserError where the correction to export is more than edits of layers.

    ``latent`` says of a corrector whether it edits latents.
    """
    if correction.gate or latent(correction.corrector):
        why = "its gate asks the classifier" if correction.gate else "it edits latents"
        raise UserError(
            f"export_generator.edits: {name!r} fits in no checkpoint: {why}; name another"
        )


def _pairs() -> Iterator[tuple[str, str]]:
    """Places of a value and of the one that it must not be above."""
    reals = "extract_features.reals"
    yield "label_generations.least", "sample_generations.labelled"
    yield "train_classifier.reals", "read_reals.images"
    yield reals, "read_reals.images"
    for most in ("correct_generations.artifacts", "correct_generations.normals", reals):
        yield "evaluate_generations.subset_size", most
        yield "evaluate_generations.neighbours", most


def _check_drawn(params: Params) -> None:
    """Artifacts and normals asked for, against the generations that they are chosen from."""
    corrected, split = params.correct_generations, params.label_generations
    choice, labelled = params.fit_corrections, params.sample_generations.labelled
    # Where the truth is known, the held-out ones; nobody knows here whether it is.
    most = max(params.sample_generations.heldout, int(split.test * labelled) + 1)
    if corrected.artifacts + corrected.normals > most:
        raise UserError(
            f"correct_generations.artifacts {corrected.artifacts} and normals {corrected.normals} "
            f"are more than sample_generations.heldout {params.sample_generations.heldout} and "
            f"label_generations.test {split.test} of {labelled} labels; lower them"
        )
    validation = split.validation
    most = int(validation * labelled) + 1  # each label's share is rounded
    if choice.artifacts + choice.normals > most:
        raise UserError(
            f"fit_corrections.artifacts {choice.artifacts} and normals {choice.normals} are more "
            f"than the validation split: label_generations.validation {validation} of "
            f"sample_generations.labelled {labelled}; lower them"
        )


def _names(start: int, stop: int) -> Iterator[str]:
    return (f"layer{k}" for k in range(start, stop + 1))


def _unscored(params: Params, names: Iterable[str]) -> str | None:
    """The first of the layers that will have no scores.

    Where collect_featuremaps names layers as the generator does, nobody knows it here.
    """
    scored = params.collect_featuremaps.layers
    known = all(re.fullmatch(r"layer\d+", name) for name in scored)
    return next((name for name in names if name not in scored), None) if known else None


def _check_scored(params: Params, names: Iterable[str], place: str) -> None:
    name = _unscored(params, names)
    if name is not None:
        there = ", ".join(params.collect_featuremaps.layers)
        raise UserError(
            f"{place}: {name!r} is none of collect_featuremaps.layers, which are {there}"
        )


def _at(values: Mapping[str, Any], place: str) -> int:
    section, key = place.split(".")
    return values[section][key]
