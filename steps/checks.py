"""What the types alone cannot say of params.yaml: shelves, names of one section used in another.

Nothing heavy is imported: a method's options are read from its file's signature.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from artifact_units import registry
from artifact_units.errors import UserError, did_you_mean
from steps.parameters import CorrectionEntry, Params, RankingEntry
from steps.values import KINDS, validated

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.IGNORECASE)  # it becomes a stage and a file
UNCORRECTED = "none"  # the correction that every other one is compared with
TYPES = {kind.__name__: kind for kind in KINDS}


def read_params(path: Path) -> Params:
    """params.yaml, every value checked; a UserError says in one line what is wrong first."""
    try:
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise UserError(f"{path}: {_said(error)}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None
    try:
        if not isinstance(values, dict):
            raise UserError("holds no sections")
        return check(validated(Params, values))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def check(params: Params) -> Params:
    """The same params if their parts agree with each other, the shelves and the files there are."""
    _check_paths(params)
    _check_numbers(params)
    _method("maskers", params.compute_masks.masker, "compute_masks.masker")
    _method("extractors", params.extract_features.extractor, "extract_features.extractor")
    rankings = params.score_units.rankings
    for place, ranking in _entries("score_units.rankings", rankings):
        _method("rankings", ranking.ranking, f"{place}.ranking")
        _check_options("rankings", ranking.ranking, ranking.model_extra or {}, place)
    corrections = params.correct_generations.corrections
    for place, correction in _entries("correct_generations.corrections", corrections):
        if correction.ranking not in rankings:
            near = did_you_mean(correction.ranking, rankings)
            raise UserError(
                f"{place}.ranking {correction.ranking!r} is no score_units.rankings; {near}"
            )
        _method("correctors", correction.corrector, f"{place}.corrector")
        _check_options("correctors", correction.corrector, correction.model_extra or {}, place)
    _check_choice(params)
    if UNCORRECTED not in corrections:
        raise UserError(
            f"correct_generations.corrections.{UNCORRECTED} is missing; it is the uncorrected row"
        )
    chosen = params.export_generator.correction
    if chosen not in corrections:
        near = did_you_mean(chosen, corrections)
        raise UserError(f"export_generator.correction {chosen!r} is no correction; {near}")
    return params


def _check_choice(params: Params) -> None:
    for name in params.choose_correction.ranking:
        if name not in params.score_units.rankings:
            near = did_you_mean(name, params.score_units.rankings)
            raise UserError(
                f"choose_correction.ranking has {name!r}, no score_units.rankings; {near}"
            )
    for name in params.choose_correction.corrector:
        _method("correctors", name, "choose_correction.corrector")


def options_of(shelf: str, name: str) -> dict[str, tuple[str, bool]]:
    """A method's options from its file's text: name -> (its type as written, needed)."""
    text = (Path(registry.__file__).parent / shelf / f"{name}.py").read_text(encoding="utf-8")
    functions = (n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef))
    arguments = next(f.args for f in functions if f.name == registry.VERBS[shelf])
    return {
        argument.arg: (ast.unparse(argument.annotation or ast.Name("Any")), default is None)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    }


def _check_paths(params: Params) -> None:
    given = {f"inputs.{name}": path for name, path in params.inputs}
    given["extract_features.weights"] = params.extract_features.weights
    given["train_classifier.weights"] = params.train_classifier.weights
    for place, path in given.items():
        made = Path(path).parts[:1] == ("results",)
        if not made and not Path(path).exists():
            raise UserError(f"{place} is {path}; there is no such file, nor is it under results/")


def _check_numbers(params: Params) -> None:
    split = params.label_generations
    if split.validation + split.test >= 1:
        said = f"label_generations.validation {split.validation} and test {split.test}"
        raise UserError(f"{said} leave nothing to train on; together they must be below 1")
    for stage in ("train_classifier", "extract_features"):
        asked, most = getattr(params, stage).reals, params.read_reals.images
        if asked > most:
            raise UserError(f"{stage}.reals {asked} is above read_reals.images {most}; raise that")
    if params.plant_defects.lowest > params.plant_defects.highest:
        raise UserError("plant_defects.lowest is above plant_defects.highest")


def _entries(place: str, rows: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, row in rows.items():
        if not NAME.fullmatch(name):
            raise UserError(f"{place}: {name!r} may have letters, digits, _ and - only")
        yield f"{place}.{name}", row


def _method(shelf: str, name: str, place: str) -> None:
    known = registry.names(shelf)
    if name not in known:
        near = did_you_mean(name, known)
        raise UserError(f"{place} is {name!r}, no file of artifact_units/{shelf}; {near}")


def _check_options(shelf: str, name: str, given: Mapping[str, Any], place: str) -> None:
    known = options_of(shelf, name)
    fields = {*known, *(RankingEntry if shelf == "rankings" else CorrectionEntry).model_fields}
    for key, value in given.items():
        if key not in known:
            raise UserError(f"{place}.{key} is not known; {did_you_mean(key, fields, place)}")
        kind = TYPES.get(known[key][0])
        if kind and not _fits(value, kind):
            raise UserError(f"{place}.{key} is {value!r}; it takes {KINDS[kind]}")
    missing = [key for key, (_, needed) in known.items() if needed and key not in given]
    if missing:
        raise UserError(f"{place}.{missing[0]} is missing; {shelf}/{name} needs it")


def _fits(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _said(error: YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    line = f"line {mark.line + 1}: " if mark else ""
    return line + (problem or "not readable as YAML").splitlines()[0]
