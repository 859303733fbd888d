"""What the types alone cannot say of params.yaml: shelves, names of one section used in another.

Nothing heavy is imported: a method's options are read from its file's signature.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from artifact_units import registry
from artifact_units.errors import UserError, did_you_mean, yaml_problem
from steps.making import limits
from steps.making.overlays import check_complete
from steps.making.parameters import CHOICE, FITTED, ComputeMasks, Params
from steps.making.rows import CorrectionEntry, RankingEntry
from steps.making.signatures import edits_latents, options_of
from steps.making.values import KINDS, validated

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.IGNORECASE)  # it becomes a stage and a file
UNCORRECTED = "none"  # the correction that every other one is compared with
TAKEN = ("clean", "reference")  # rows of the truth, in the table of corrections
ABSENT = {  # what to do, by what is missing
    "labels": ": make an empty one, sample, and label (docs/your_own_generator.md, 3)",
    "weights": ": docs/your_own_generator.md names the files and their sha256",
}
UNQUOTED = re.compile(r"[\s\"'\\$`;&|<>(){}*?\[\]#!~]")  # commands name paths as they stand
Check = Callable[[], None]
TYPES = {kind.__name__: kind for kind in KINDS}
ENTRIES = {"maskers": ComputeMasks, "rankings": RankingEntry, "correctors": CorrectionEntry}


def read_params(path: Path) -> Params:
    """A whole params.yaml, every value checked; a UserError has a line for each mistake."""
    params = read_as(path, Params)
    whole = partial(check_complete, params, path)
    _settle(path, [whole, *_checks(params), *_path_checks(params)])
    return params


def read_overlay(path: Path) -> Params:
    """What a file that names only what differs asks for; what it names may be put there later.

    A UserError as that of ``read_params``.
    """
    params = read_as(path, Params)
    _settle(path, _checks(params))
    return params


def read_as(path: Path, model: type[BaseModel]) -> Any:
    """A YAML file as the model; a UserError has a line for each mistake."""
    try:
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise UserError(f"{path}: {yaml_problem(error)}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None
    except (ValueError, RecursionError) as error:  # a number of 5000 digits; lists in lists
        reason = str(error).partition(";")[0]
        raise UserError(f"{path}: a value that no computer reads ({reason})") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: holds no sections")
    try:
        return validated(model, values)
    except UserError as error:
        raise UserError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None


def _settle(path: Path, checks: Iterable[Check]) -> None:
    """A UserError of what all the ``checks`` say, a line each."""
    said: list[str] = []
    for check in checks:
        try:
            check()
        except UserError as error:
            said.append(f"{path}: {error}")
    if said:
        raise UserError("\n".join(said))


def _checks(params: Params) -> Iterator[Check]:
    """Whether the parts of the parameters agree with each other and with the shelves."""
    yield partial(_check_masker, params.compute_masks)
    extractor = params.extract_features.extractor
    yield partial(_method, "extractors", extractor, "extract_features.extractor")
    for name, ranking in params.score_units.rankings.items():
        yield partial(_check_ranking, params, name, ranking)
    for name, correction in params.fit_corrections.corrections.items():
        yield partial(_check_correction, params, name, correction)
    yield partial(_check_rows, params.fit_corrections.corrections)
    yield partial(_check_export, params)
    yield from limits.number_checks(params)


def _check_masker(masks: ComputeMasks) -> None:
    _method("maskers", masks.masker, "compute_masks.masker")
    _options("maskers", masks.masker, masks.model_extra or {}, "compute_masks")


def _check_ranking(params: Params, name: str, ranking: RankingEntry) -> None:
    place = _place("score_units.rankings", name)
    _method("rankings", ranking.ranking, f"{place}.ranking")
    options = _options("rankings", ranking.ranking, ranking.model_extra or {}, place)
    if ranking.ranking == "unit_fid":
        limits.check_top(params, options, place)


def _check_correction(params: Params, name: str, correction: CorrectionEntry) -> None:
    place = _place("fit_corrections.corrections", name)
    rankings = params.score_units.rankings
    _named(f"{place}.ranking", correction.ranking, rankings, "score_units.rankings")
    _method("correctors", correction.corrector, f"{place}.corrector")
    axes = {k: v if isinstance(v, list) else [v] for k, v in (correction.model_extra or {}).items()}
    for key, values in axes.items():
        if not values:
            raise UserError(f"{place}.{key} is an empty list; name a value, or several to search")
    for point in _points(axes):
        options = _options("correctors", correction.corrector, point, place)
        limits.check_layers(params, options, place)


def _points(axes: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Every value of every axis, the others at their first; every pair of start and stop."""
    first = {key: values[0] for key, values in axes.items()}
    yield first
    yield from ({**first, key: value} for key, values in axes.items() for value in values[1:])
    for start, stop in product(axes.get("start", ()), axes.get("stop", ())):
        yield {**first, "start": start, "stop": stop}


def _check_export(params: Params) -> None:
    edits, there = params.export_generator.edits, params.fit_corrections.corrections
    if edits == CHOICE:
        return
    known = {f"{FITTED}/{name}/edits.json": name for name in there}
    _named("export_generator.edits", edits, {CHOICE: "", **known}, "edits.json of a correction")
    limits.check_export(known[edits], there[known[edits]], edits_latents)


def _check_rows(corrections: Mapping[str, CorrectionEntry]) -> None:
    place = "fit_corrections.corrections"
    if UNCORRECTED not in corrections:
        raise UserError(f"{place}.{UNCORRECTED} is missing; it is the uncorrected row")
    if (corrections[UNCORRECTED].model_extra or {}).get("n") != 0:
        raise UserError(f"{place}.{UNCORRECTED} is the uncorrected row; give it n: 0")
    for name in TAKEN:
        if name in corrections:
            raise UserError(f"{place}.{name} is what a row of the truth is called; rename it")


def _path_checks(params: Params) -> Iterator[Check]:
    given = {f"inputs.{name}": path for name, path in params.inputs}
    given["extract_features.weights"] = params.extract_features.weights
    given["train_classifier.weights"] = params.train_classifier.weights
    given["evaluate_generations.weights"] = params.evaluate_generations.weights
    given["compute_masks.heatmaps"] = params.compute_masks.heatmaps
    for place, path in given.items():
        yield partial(_check_path, place, path)


def _check_path(place: str, path: str) -> None:
    if odd := UNQUOTED.search(path):
        raise UserError(f"{place} is {path!r}: {odd[0]!r} has a meaning to a shell; rename it")
    made = Path(path).parts[:1] == ("results",)
    if not made and not Path(path).exists():
        said = f"{place} is {path}; there is no such file, nor is it under results/"
        raise UserError(f"{said}{ABSENT.get(place.rpartition('.')[2], '')}")


def _place(section: str, name: str) -> str:
    if not NAME.fullmatch(name):
        raise UserError(f"{section}: {name!r} may have letters, digits, _ and - only")
    return f"{section}.{name}"


def _named(place: str, name: str, known: Mapping[str, Any], what: str) -> None:
    if name not in known:
        raise UserError(f"{place} {name!r} is no {what}; {did_you_mean(name, known)}")


def _method(shelf: str, name: str, place: str) -> None:
    known = registry.names(shelf)
    if name not in known:
        near = did_you_mean(name, known)
        raise UserError(f"{place} is {name!r}, no file of artifact_units/{shelf}; {near}")


def _options(shelf: str, name: str, given: Mapping[str, Any], place: str) -> dict[str, Any]:
    """What a method will be handed: the options given, checked, and the others' defaults."""
    known = options_of(shelf, name)
    fields = {*known, *ENTRIES[shelf].model_fields}
    for key, value in given.items():
        if key not in known:
            raise UserError(f"{place}.{key} is not known; {did_you_mean(key, fields, place)}")
        _check_kind(known[key][0], value, f"{place}.{key}")
        limits.check_range(name, key, value, f"{place}.{key}")
    options = {key: given.get(key, default) for key, (_, default) in known.items()}
    missing = [key for key, value in options.items() if value is ...]
    if missing:
        raise UserError(f"{place}.{missing[0]} is missing; {shelf}/{name} needs it")
    return options


def _check_kind(written: str, value: Any, place: str) -> None:
    """A UserError where a value is not of its option's type as written: a plain one, a Literal."""
    if written.startswith("Literal["):
        allowed = ast.literal_eval(f"({written.removeprefix('Literal[').removesuffix(']')},)")
        if value not in allowed:
            raise UserError(f"{place} is {value!r}; it takes {' or '.join(map(str, allowed))}")
    kind = TYPES.get(written)
    if kind and not _fits(value, kind):
        raise UserError(f"{place} is {value!r}; it takes {KINDS[kind]}")


def _fits(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float) and abs(value) < math.inf
    return isinstance(value, kind)
