"""Numbers of params.yaml have ranges, names have alphabets."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from artifact_units.errors import UserError
from steps.making.checks import read_params
from steps.making.parameters import CollectFeaturemaps, Inputs, Params


def numbers(schema: Any, place: str = ""):
    """(place, schema) of every number in a JSON schema."""
    if isinstance(schema, dict):
        if schema.get("type") in ("integer", "number"):
            yield place, schema
        for key, value in schema.items():
            yield from numbers(value, f"{place}.{key}")


def test_every_number_has_a_lower_and_an_upper_bound():
    found = list(numbers(Params.model_json_schema()))
    assert len(found) > 30
    for place, schema in found:
        assert {"minimum", "exclusiveMinimum"} & {*schema}, (place, json.dumps(schema))
        assert {"maximum", "exclusiveMaximum"} & {*schema}, (place, json.dumps(schema))


@pytest.mark.parametrize("name", ["-x", "a\nb", "a\n", "", "a/../b", "a b", "x" * 201])
def test_a_layer_has_a_name_that_a_command_and_a_file_can_hold(name):
    with pytest.raises(ValidationError):
        CollectFeaturemaps(layers=[name])


@pytest.mark.parametrize("path", ["-x", "a\nb", "a\0b", ""])
def test_a_path_is_no_option_and_one_line(path):
    with pytest.raises(ValidationError):
        Inputs(generator=path, reals="r", labels="l")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("9" * 5000, "a value that no computer reads"),
        ("0x" + "f" * 5000, "read_reals.images is a value of type int with thousands of digits"),
        ("99999999999999999999", "it takes a whole number, at least 1, at most 1000000"),
    ],
)
def test_a_number_of_any_length_is_told_its_range(tmp_path, value, words):
    text = Path("params.yaml").read_text()
    assert "read_reals:\n" in text
    head, tail = text.split("read_reals:\n")
    kept = [line for line in tail.splitlines() if not line.startswith("  images: ")]
    (tmp_path / "p.yaml").write_text(
        head + f"read_reals:\n  images: {value}\n" + "\n".join(kept) + "\n"
    )
    with pytest.raises(UserError, match=words):
        read_params(tmp_path / "p.yaml")
