"""The annotations of Label Studio's JSON export: choices, each of a field, a rater and a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed
from artifact_units.labelling.exchange import Said
from artifact_units.labelling.given_names import checked, id_of_image

KIND = "kind"  # the field of choices that says which kinds of artifact


@dataclass(frozen=True)
class Choice:
    """What one annotation chose in one field of one task."""

    place: str
    generation: str
    rater: str
    field: str
    verdict: str
    kinds: tuple[str, ...]
    when: datetime


def read_tasks(
    path: Path, text: str, rater: str, field: str | None, skipped: Counter[str]
) -> list[Said]:
    """What the tasks say; of one rater on one image the newest counts."""
    choices = _of_field(path, _choices(path, text, rater, skipped), field, skipped)
    found: dict[tuple[int, str], tuple[datetime, Said]] = {}
    for choice in choices:
        given = choice.generation, choice.rater, choice.verdict, choice.kinds
        said = checked(choice.place, *given)
        before = found.get(said[:2])
        if before is not None:
            skipped["older annotations of a rater"] += 1
        if before is None or choice.when >= before[0]:
            found[said[:2]] = choice.when, said
    return [said for _, said in found.values()]


def _of_field(
    path: Path, choices: list[Choice], field: str | None, skipped: Counter[str]
) -> list[Choice]:
    names = sorted({choice.field for choice in choices})
    if (field is None and len(names) > 1) or (field is not None and field not in names):
        there = ", ".join(names) or "none"
        raise UserError(f"{path}: the fields with choices are {there}; name one with --field")
    kept = [choice for choice in choices if field in (None, choice.field)]
    if others := len(choices) - len(kept):
        skipped["choices of other fields"] += others
    return kept


def _choices(path: Path, text: str, rater: str, skipped: Counter[str]) -> list[Choice]:
    try:
        tasks = [
            (f"{path}: task {number}", task) for number, task in enumerate(_list(parsed(text)), 1)
        ]
        return [choice for place, task in tasks for choice in _task(place, task, rater, skipped)]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserError(
            f"{path}: no tasks with annotations, as Label Studio exports them"
        ) from None


def _task(
    place: str, task: Mapping[str, Any], rater: str, skipped: Counter[str]
) -> Iterator[Choice]:
    annotations = _list(task["annotations"])
    if not annotations:
        skipped["tasks with predictions only" if task.get("predictions") else "open tasks"] += 1
    for annotation in annotations:
        if annotation.get("was_cancelled"):
            skipped["cancelled annotations"] += 1
            continue
        by = annotation.get("completed_by")
        name = (by.get("email") or by.get("id")) if isinstance(by, Mapping) else by
        who, when = rater if name is None else str(name), _when(annotation)
        results = _list(annotation["result"])
        if not results:
            skipped["empty annotations"] += 1
        kinds = tuple(kind for result in results if _is_kind(result) for kind in _chosen(result))
        for result in results:
            if _is_kind(result):
                continue
            if result["type"] != "choices":
                skipped[f"{str(result['type'])[:20]} results"] += 1
                continue
            field, verdict = str(result.get("from_name", "")), _one(place, _chosen(result))
            yield Choice(place, _generation(place, task), who, field, verdict, kinds, when)


def _is_kind(result: Mapping[str, Any]) -> bool:
    return result["type"] == "choices" and result.get("from_name") == KIND


def _chosen(result: Mapping[str, Any]) -> list[str]:
    return [str(choice) for choice in _list(result["value"]["choices"])]


def _one(place: str, given: list[Any]) -> str:
    if len(given) != 1:
        raise UserError(f"{place}: {len(given)} choices of a field at once; it takes one")
    return str(given[0])


def _generation(place: str, task: Mapping[str, Any]) -> str:
    data = task["data"]
    if "generation" in data:
        return str(data["generation"])
    return id_of_image(str(data["image"]), place)


def _when(annotation: Mapping[str, Any]) -> datetime:
    """When it was changed last; before all others where it does not say."""
    given = annotation.get("updated_at") or annotation.get("created_at")
    if given is None:
        return datetime.min.replace(tzinfo=UTC)
    when = datetime.fromisoformat(str(given))
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value
