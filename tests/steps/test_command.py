"""What every step shares: values and mistakes, each in one line."""

import errno
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from artifact_units.errors import UserError
from steps.making.command import input_path, output_path, spare_values, step, validated
from steps.making.parameters import Params, Run, Section


class Entry(Section):
    """A row with a name that the user gives."""

    size: int = Field(ge=1, le=9, description="Size.")


class Example(Section):
    """One of each kind of value."""

    rate: float = Field(gt=0, le=1, allow_inf_nan=False, description="Rate.")
    loud: bool = Field(description="Loud.")
    words: list[str] = Field(min_length=1, description="Words.")
    rows: dict[str, Entry] = Field(description="Name -> row.")


SIZE = "a whole number, at least 1, at most 9"
GOOD = {"rate": 0.5, "loud": True, "words": ["a"], "rows": {"one": {"size": 3}}}


def said_of(changes):
    with pytest.raises(UserError) as caught:
        validated(Example, {**GOOD, **changes})
    return str(caught.value)


def run(command, *words):
    return CliRunner().invoke(command, list(words))


@step(Example)
@output_path("out", "Written.")
def example(out, params):
    """Do an example."""
    click.echo(f"{out} {params.model_dump()}")


def test_a_sound_section_is_taken_as_it_is():
    assert validated(Example, GOOD).rows["one"].size == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rats": 1}, "rats is not known; did you mean 'rate'?"),
        ({"rate": "0.5"}, "rate is '0.5'; it takes a number, above 0, at most 1"),
        ({"rate": 0}, "rate is 0; it takes a number, above 0, at most 1"),
        ({"rate": float("nan")}, "rate is nan; it takes a number, above 0, at most 1"),
        ({"loud": 1}, "loud is 1; it takes true or false"),
        ({"words": []}, "words is []; it takes a list, each text, not empty"),
        ({"words": ["a", 2]}, "words.1 is 2; it takes a list, each text, not empty"),
        ({"rows": [1]}, "rows is [1]; it takes a section: keys and values"),
        ({"rows": {"one": 1}}, "rows.one is 1; it takes a section: keys and values"),
        ({"rows": {"one": {}}}, f"rows.one.size is missing; it takes {SIZE}"),
        ({"rows": {"one": {"size": True}}}, f"rows.one.size is True; it takes {SIZE}"),
        (
            {"rows": {"one": {"size": 1, "sice": 2}}},
            "rows.one.sice is not known; did you mean rows.one.size?",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_may_stand_there(changes, said):
    assert said_of(changes) == said


def test_what_dvc_writes_for_a_section_is_read_back_as_that_section():
    # DVC's spelling of GOOD with bool = boolean_optional and list = append.
    words = "--out x --rate 5e-1 --no-loud --words a --words b --rows.one.size 3 --rows.two.size 4"
    result = run(example, *words.split())
    rows = "{'one': {'size': 3}, 'two': {'size': 4}}"
    assert (
        result.output == f"x {{'rate': 0.5, 'loud': False, 'words': ['a', 'b'], 'rows': {rows}}}\n"
    )


def test_values_that_no_option_took_keep_their_kinds():
    words = "--a.n 4 --a.rate 1e-05 --a.on --a.no-off --name x --list 1 --list 2 --less -3"
    assert spare_values([*words.split()]) == {
        "a": {"n": 4, "rate": 1e-05, "on": True, "no-off": True},
        "name": "x",
        "list": [1, 2],
        "less": -3,
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "Error: Missing option '--out'.\n"),
        (
            "--out x --rate much",
            "Error: Invalid value for '--rate': 'much' is not a valid float.\n",
        ),
        (
            "--out x --rate 2 --loud --words a --rows.b.size 1",
            "Error: rate is 2.0; it takes a number, above 0, at most 1\n",
        ),
        (
            "--out x --rate 1 --loud --words a --rows.b.sise 1",
            "Error: rows.b.sise is not known; did you mean rows.b.size?\n",
        ),
        (
            "--out x --rate 1 --loud --words a stray",
            "Error: 'stray' is neither an option nor the value of one\n",
        ),
    ],
)
def test_a_mistake_of_usage_is_one_line_and_a_failure(words, said):
    result = run(example, *words.split())
    assert (result.output, result.exit_code > 0) == (said, True)


def test_an_input_that_is_not_there_is_one_line(tmp_path):
    @step()
    @input_path("given", "Read.")
    def reading(given):
        """Read."""

    result = run(reading, "--given", str(tmp_path / "none"))
    assert result.exit_code > 0
    assert result.output.count("\n") == 1
    assert "does not exist" in result.output


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "a.json"),
            "a.json: no such file or directory",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "b"), "b: permission denied"),
        (OSError(errno.ENOSPC, "No space left on device", "c"), "c: no space left on device"),
        (OSError("two\nlines"), "two lines"),
        (UserError("label some"), "label some"),
    ],
)
def test_what_the_machine_refuses_is_one_line(error, said):
    @step()
    def failing():
        """Fail."""
        raise error

    result = run(failing)
    assert (result.exit_code, result.output) == (1, f"Error: {said}\n")


def test_a_gpu_that_is_full_is_one_line():
    full = type("OutOfMemoryError", (RuntimeError,), {})  # torch's has this name and base
    said = "CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 2.00 GiB"

    @step()
    def failing():
        """Fail."""
        raise full(said)

    expected = (
        "CUDA out of memory. Tried to allocate 1.50 GiB; take a larger GPU, or set run.device"
    )
    result = run(failing)
    assert (result.exit_code, result.output) == (1, f"Error: {expected} to cpu\n")


def test_a_fault_of_ours_keeps_its_traceback():
    @step()
    def failing():
        """Fail."""
        raise KeyError("ours")

    assert isinstance(run(failing).exception, KeyError)


def test_a_range_stands_in_the_help():
    text = " ".join(run(example, "--help").output.split())
    assert "Rate. [above 0, at most 1]" in text


def test_every_value_of_every_section_says_what_it_means():
    definitions = Params.model_json_schema()["$defs"]
    bare = [
        f"{section}.{name}"
        for section, model in definitions.items()
        for name, value in model["properties"].items()
        if "description" not in value
    ]
    assert bare == []


def test_run_hands_over_how_it_is_computed():
    @step(run=True)
    def running(run):
        """Run."""
        click.echo(repr(run))

    line = "--device cpu --threads 1 --batch 2 --precision bfloat16 --no-channels_last"
    wanted = Run(device="cpu", threads=1, batch=2, precision="bfloat16", channels_last=False)
    assert run(running, *line.split()).output == f"{wanted!r}\n"


PROCESS = """
import atexit, sys
from pathlib import Path
from steps.making.command import output_path, say, step

atexit.register(print, "taken apart")

@step()
@output_path("out", "Written.")
def main(out):
    out.write_text("whole")
    print("done")
    if "stop" in out.name:
        sys.exit(3)

main()
"""


@pytest.mark.parametrize(("name", "status"), [("out", 0), ("stop", 3)])
def test_a_step_that_is_the_whole_process_says_all_and_is_not_taken_apart(name, status, tmp_path):
    line = [sys.executable, "-c", PROCESS, "--out", str(tmp_path / name)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (status, "done\n")
    assert (tmp_path / name).read_text() == "whole"
