"""What every step keeps to, whatever its body does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from house import ROOT, stages
from pydantic import Field

from artifact_units.files.manifests import SUFFIX, manifest_of, note, write_manifest
from artifact_units.files.storage import whole_file, write_text
from steps import report
from steps.making import contract, engine
from steps.making.command import input_path, output_path, step
from steps.making.parameters import Section
from steps.making.shards import sharded


class Example(Section):
    """A value, and a file that is read."""

    size: int = Field(ge=1, description="Size.")
    weights: str = Field(description="A file.")


def step_of(body, *, before=lambda given: None):
    """A step that does ``before`` and then writes the text that is read at ``given``."""

    @step(Example)
    @input_path("given", "Read.")
    @output_path("out", "Written.")
    @output_path("more", "Written too.")
    def main(given, out, more, params):
        """Copy."""
        before(given)
        body(given, out, more)

    return main


def copy(given, out, more):
    write_text(out, given.read_text())
    write_text(more, given.read_text())


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given").write_text("abc")
    (tmp_path / "w.pth").write_text("w")
    return tmp_path


def run(command, *more):
    line = "--given given --out made/out --more made/more --size 2 --weights w.pth"
    return CliRunner().invoke(command, [*line.split(), *more])


def names(place):
    return sorted(path.name for path in (place / "made").iterdir())


def test_a_step_leaves_its_outputs_and_a_manifest_of_each_and_nothing_else(place):
    result = run(step_of(copy))
    assert (result.exit_code, result.output) == (0, "")
    assert names(place) == ["more", "more.manifest.json", "out", "out.manifest.json"]
    content = json.loads((place / "made/out.manifest.json").read_text())
    assert content["parameters"] == {"size": 2}  # the path of a file is no value: its sha256 is
    assert content["inputs"].keys() == {"given", "weights"}
    assert content["step"] == "test_contract"
    assert str(place) not in (place / "made/out.manifest.json").read_text()


def test_a_step_that_may_be_cut_into_shards_is_named_in_its_manifests_as_well(place):
    @step(Example)
    @input_path("given", "Read.")
    @output_path("out", "Written.")
    @output_path("more", "Written too.")
    @sharded
    def main(given, out, more, params, shards):
        copy(given, out, more)

    run(main)
    assert json.loads((place / "made/out.manifest.json").read_text())["step"] == "test_contract"


def test_what_was_done_otherwise_than_asked_is_in_the_manifests_and_said(place):
    def body(given, out, more):
        note("batches of 2 were halved")
        note("batches of 2 were halved")
        copy(given, out, more)

    run(step_of(body))
    notes = [
        json.loads((place / "made" / f"{name}.manifest.json").read_text())["notes"]
        for name in ("out", "more")
    ]
    assert notes == [["batches of 2 were halved"]] * 2
    assert run(step_of(body)).output == "batches of 2 were halved\n"
    run(step_of(copy))
    assert "notes" not in json.loads((place / "made/out.manifest.json").read_text())


def test_the_same_run_leaves_the_same_bytes(place):
    run(step_of(copy))
    before = {name: (place / "made" / name).read_bytes() for name in names(place)}
    os.utime(place / "given")
    run(step_of(copy))
    assert {name: (place / "made" / name).read_bytes() for name in names(place)} == before


def test_an_output_that_gets_its_suffix_from_the_step_has_its_manifest_by_that_name(place):
    def body(given, out, more):
        copy(given, out, more)
        out.rename(out.with_suffix(".pth"))

    run(step_of(body))
    assert names(place) == ["more", "more.manifest.json", "out.pth", "out.pth.manifest.json"]


def test_an_input_that_is_not_what_its_manifest_says_is_refused_before_anything_is_done(place):
    write_manifest(place / "given", "make_it", {}, {})
    (place / "given").write_text("abd")
    done = []
    result = run(step_of(copy, before=done.append))
    assert result.exit_code == 1
    assert result.output.startswith("Error: given: has sha256 a52d159f262b, its manifest says")
    assert (done, names(place)) == ([], [])


def test_weights_that_are_not_what_their_manifest_says_are_refused(place):
    write_manifest(place / "w.pth", "make_it", {}, {})
    (place / "w.pth").write_text("x")
    assert "w.pth: has sha256" in run(step_of(copy)).output


@pytest.mark.parametrize("kind", ["given", "weights"])
def test_where_an_input_changes_meanwhile_nothing_appears(place, kind):
    run(step_of(copy))
    file = {"given": "given", "weights": "w.pth"}[kind]
    result = run(step_of(copy, before=lambda _: (place / file).write_text("changed")))
    assert result.exit_code == 1
    assert result.output == f"Error: {file} {engine.CHANGED}\n"
    assert (place / "made/out").read_text() == "abc"
    assert names(place) == ["more", "more.manifest.json", "out", "out.manifest.json"]


def test_an_input_that_is_only_touched_is_the_same(place):
    result = run(step_of(copy, before=lambda given: os.utime(given)))
    assert result.exit_code == 0


def test_an_input_folder_that_gains_a_file_has_changed(place):
    (place / "given").unlink()
    (place / "given").mkdir()
    (place / "given" / "a").write_text("a")

    def body(given, out, more):
        (given / "b").write_text("b")
        write_text(out, "x")

    assert run(step_of(body)).output == f"Error: given {engine.CHANGED}\n"
    assert names(place) == []


def test_an_output_whose_step_failed_after_it_appeared_is_refused_by_the_next_step(place):
    def body(given, out, more):
        write_text(out, "new")
        raise KeyError

    run(step_of(copy))
    run(step_of(body))
    (place / "given").unlink()
    result = run(step_of(copy), "--given", "made/out")
    assert result.output == "Error: made/out: the step that writes it was stopped; run that again\n"


def test_a_step_that_fails_before_an_output_appears_leaves_the_old_one_as_it_was(place):
    def body(given, out, more):
        with whole_file(out) as part:
            part.write_text("half")
            raise OSError("no")

    run(step_of(copy))
    before = {name: (place / "made" / name).read_bytes() for name in names(place)}
    assert run(step_of(body)).output == "Error: no\n"
    assert {name: (place / "made" / name).read_bytes() for name in names(place)} == before


def test_a_second_step_on_the_same_output_is_refused_and_says_who_has_it(place):
    with contract.locked([place / "made" / "more"]):
        result = run(step_of(copy), "--more", str(place / "made" / "more"))
    said = f"locked by process {os.getpid()} on {os.uname().nodename}, which is writing it"
    assert result.output == f"Error: {place}/made/more: {said}\n"
    assert names(place) == []
    assert run(step_of(copy)).exit_code == 0


def test_the_lock_of_a_killed_step_holds_nobody_up(place):
    (place / "made").mkdir()
    (place / "made/.out.lock.part").write_text("process 1 on a node that is gone")
    assert run(step_of(copy)).exit_code == 0
    assert ".out.lock.part" not in names(place)


@pytest.mark.parametrize("out", ["given", "../{name}/given", "../{name}"])
def test_an_output_is_not_written_over_what_is_read(place, out):
    done = run(step_of(copy), "--out", out.format(name=place.name))
    assert done.exit_code == 1
    assert done.output.endswith("would replace given, which is read; name another\n")
    assert (place / "given").read_text() == "abc"


@pytest.mark.parametrize("out", ["", "/"])
def test_an_output_without_a_name_is_one_line(place, out):
    done = run(step_of(copy), "--out", out)
    assert done.exit_code == 1
    assert done.output.endswith("is no name of an output; name a file or folder to write\n")


def test_a_share_of_the_work_takes_no_lock_and_writes_no_manifest(place):
    @step(Example)
    @output_path("out", "Written.")
    @click.option("--shard", type=int)
    def main(out, shard, params):
        """Share."""
        write_text(Path("parts/0"), "x")

    with contract.locked([Path("made/out")]):
        line = "--out made/out --shard 0 --size 1 --weights w.pth"
        result = CliRunner().invoke(main, line.split())
    assert (result.exit_code, names(place)) == (0, [])
    assert [path.name for path in (place / "parts").iterdir()] == ["0"]


def test_parts_are_all_that_is_read_of_a_folder_in_which_others_write(place):
    for name in ("mine", "others"):
        (place / "results" / name).mkdir(parents=True)
        write_text(place / "results" / name / "a", "abc")
        write_manifest(place / "results" / name / "a", "make_it", {}, {})
        (place / "results" / name / "a").write_text("abd")

    @step()
    @input_path("results", "Read.", parts=["mine", "not_made"])
    def main(results):
        """Read."""

    result = CliRunner().invoke(main, ["--results", "results"])
    assert "results/mine/a: has sha256" in result.output
    (place / "results/mine/a").write_text("abc")
    assert CliRunner().invoke(main, ["--results", "results"]).exit_code == 0


def test_the_report_reads_the_stages_that_its_stage_rests_on():
    deps = stages()["report"]["deps"]
    data = [dep for dep in deps[1:] if dep.startswith("results/") and not dep.endswith(SUFFIX)]
    assert {dep.split("/")[1] for dep in data} == {*report.STAGES}


def test_every_output_of_every_stage_is_recorded_with_its_manifest():
    for name, stage in stages().items():
        if "-m steps." not in stage["cmd"] or name in ("check_params", "export_generator"):
            continue  # a constant that nobody reads; a folder that holds the manifest itself
        outs = [o if isinstance(o, str) else next(iter(o)) for o in stage["outs"]]
        metrics = [next(iter(metric)) for metric in stage.get("metrics", [])]
        made = [o for o in [*outs, *metrics] if not o.endswith(SUFFIX)]
        assert {*outs, *metrics} == {*made, *(str(manifest_of(Path(o))) for o in made)}, name


def test_a_folder_of_somebody_s_is_not_replaced(place):
    (place / "made/out").mkdir(parents=True)
    (place / "made/out/thesis.tex").write_text("years")
    result = run(step_of(copy))
    assert (result.exit_code, result.output) == (
        1,
        "Error: made/out: a folder that no step wrote; name another, or take it away\n",
    )
    assert (place / "made/out/thesis.tex").read_text() == "years"


STOPPABLE = """
import time
from pathlib import Path
from artifact_units.files.storage import whole_folder
from steps.making.command import output_path, step

@step()
@output_path("out", "Written.")
def main(out):
    with whole_folder(out) as part:
        (part / "a").write_text("half")
        Path("begun").touch()
        time.sleep(60)

main()
"""


def started(place):
    (place / "slow.py").write_text(STOPPABLE)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "slow.py", "--out", "made/out"]
    process = subprocess.Popen(line, cwd=place, env=environment, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if (place / "begun").exists():
            return process
        time.sleep(0.05)
    raise AssertionError("it did not begin")


def test_sigterm_ends_a_step_in_one_line_and_leaves_nothing(place):
    process = started(place)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1]
    assert (process.returncode, said) == (143, "Error: stopped by SIGTERM; run it again\n")
    assert names(place) == []


def test_a_killed_step_leaves_only_what_engines_and_steps_pass_over(place):
    process = started(place)
    process.kill()
    process.communicate(timeout=30)
    assert all(name.startswith(".") and name.endswith(".part") for name in names(place))
    ignored = [(ROOT / name).read_text().splitlines() for name in (".dvcignore", ".gitignore")]
    assert all("*.part" in lines for lines in ignored)
