import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from patches import write_problem
from small_labelling import PX
from small_labelling import write_problem as write_small

from artifact_units import serving
from artifact_units.classifier.heatmaps import HeatmapSet, write_heatmaps
from artifact_units.files.manifests import write_manifest
from artifact_units.files.storage import sha256_of
from artifact_units.files.tables import read_table
from artifact_units.labels.verdicts import Painted, Verdict, lines_of, read_verdicts
from artifact_units.labels.verdicts import settle as settled_of
from steps.label_generations import main

VALUES = ["--validation", "0.15", "--test", "0.25", "--least", "5", "--seed", "0"]


@pytest.fixture
def problem(tmp_path):
    write_problem(tmp_path, generations=40, heldout=1, reals=1)
    return tmp_path


def label(problem, *more):
    paths = {"generator": "generator.bin", "labels": "labels.jsonl", "out": "labels.parquet"}
    given = [word for name, file in paths.items() for word in (f"--{name}", str(problem / file))]
    return CliRunner().invoke(main, ["settle", *given, *VALUES, *more])


def add(problem, **verdict):
    first = json.loads((problem / "labels.jsonl").read_text().splitlines()[0])
    with (problem / "labels.jsonl").open("a") as file:
        file.write(json.dumps({**first, **verdict}) + "\n")


def test_every_settled_verdict_becomes_a_label_with_a_split(problem):
    add(problem, id=0, rater="b", verdict="artifact")  # a tie: dropped
    add(problem, id=2, rater="b", verdict="normal")
    result = label(problem)
    assert result.exit_code == 0, result.output
    assert "20 artifact and 19 normal generations" in result.output
    rows = read_table(problem / "labels.parquet", "labels").to_pylist()
    assert [row["id"] for row in rows] == list(range(1, 40))
    assert all(row["label"] == ("normal", "artifact")[row["id"] % 2] for row in rows)
    assert rows[1]["raters"] == 2
    # 0.25 of 20 artifacts, 0.15 of 20.
    splits = [row["split"] for row in rows if row["label"] == "artifact"]
    assert (splits.count("test"), splits.count("validation"), splits.count("train")) == (5, 3, 12)


def test_a_run_about_a_kind_has_the_labels_of_that_kind(problem):
    lines = map(json.loads, (problem / "labels.jsonl").read_text().splitlines())
    named = [
        {**line, "kinds": ["grid"]} if line["id"] in range(1, 20, 2) else line for line in lines
    ]
    (problem / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in named))
    result = label(problem, "--kinds", "grid")
    assert "10 artifact and 20 normal generations" in result.output
    result = label(problem, "--kinds", "grid", "--other_kinds", "normal")
    assert "10 artifact and 30 normal generations" in result.output
    result = label(problem, "--kinds", "gird")
    assert "no artifact is of the kind 'gird'; there are: grid" in result.output


def test_labelling_twice_gives_the_same_bytes(problem):
    label(problem)
    first = (problem / "labels.parquet").read_bytes()
    label(problem)
    assert (problem / "labels.parquet").read_bytes() == first


def test_labels_of_another_checkpoint_are_refused_and_nothing_is_written(problem):
    (problem / "generator.bin").write_bytes(b"other weights")
    result = label(problem)
    assert result.exit_code == 1
    assert "generation 0 was labelled on checkpoint" in result.output
    assert not (problem / "labels.parquet").exists()


def test_too_few_labels_of_a_class_are_refused_in_one_line(problem):
    result = label(problem, "--least", "21")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "20 generations are labelled artifact, label_generations.least is 21" in result.output


def test_labels_that_were_all_undone_are_refused(problem):
    (problem / "labels.jsonl").write_text("")
    assert "holds no settled label" in label(problem).output


@pytest.fixture
def labelled(tmp_path):
    """Twelve generations, and a labels file in which ann labelled 3 and marked one of them."""
    write_small(tmp_path, 12)
    checkpoint = sha256_of(tmp_path / "generator.bin")
    verdicts = [
        Verdict(0, checkpoint, "ann", "artifact", Painted(PX, ((0, 128),))),
        Verdict(1, checkpoint, "ann", "normal"),
        Verdict(2, checkpoint, "ann", "unsure"),
    ]
    (tmp_path / "labels.jsonl").write_text(lines_of(verdicts))
    return tmp_path


def run(folder, command, **options):
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    given = {"labels": folder / "labels.jsonl"}
    if command in ("import", "serve"):
        given |= {"generator": folder / "generator.bin", "generations": folder / "images"}
    words += [word for name, path in given.items() for word in (f"--{name}", str(path))]
    return CliRunner().invoke(main, [command, *words])


def test_labels_go_out_and_come_in_again(labelled):
    before = (labelled / "labels.jsonl").read_text()
    for to, name in (("csv", "l.csv"), ("label_studio", "l.json")):
        result = run(labelled, "export", to=to, out=labelled / name)
        assert result.exit_code == 0, result.output
        result = run(labelled, "import", **{"from": labelled / name})
        assert "3 verdicts read, 0 of them new" in result.output
    assert (labelled / "labels.jsonl").read_text() == before
    (labelled / "labels.jsonl").unlink()
    assert "3 of them new" in run(labelled, "import", **{"from": labelled / "l.csv"}).output
    given = {v.id: (v.rater, v.verdict) for v in read_verdicts(labelled / "labels.jsonl")}
    assert given == {0: ("ann", "artifact"), 1: ("ann", "normal"), 2: ("ann", "unsure")}


def test_a_folder_per_class_goes_out_and_comes_in(labelled):
    folder = labelled / "sorted"
    result = run(labelled, "export", to="folder", out=folder)
    assert "name their image set with --generations" in result.output
    assert not folder.exists()
    result = run(labelled, "export", to="folder", generations=labelled / "images", out=folder)
    assert "2 images" in result.output
    (folder / "normal" / "1.png").rename(folder / "artifact" / "1.png")
    result = run(labelled, "import", rater="bob", **{"from": folder})
    assert "2 verdicts read, 2 of them new" in result.output
    assert settled_of(read_verdicts(labelled / "labels.jsonl")) == {0: ("artifact", 2)}


def test_a_generation_that_is_not_there_is_not_imported(labelled):
    before = (labelled / "labels.jsonl").read_text()
    (labelled / "l.csv").write_text("id,verdict\n1,normal\n12,normal\n")
    result = run(labelled, "import", **{"from": labelled / "l.csv"})
    assert result.exit_code == 1
    assert "holds no generation 12" in result.output
    assert (labelled / "labels.jsonl").read_text() == before


def test_the_generations_may_be_the_folder_that_one_is_in(labelled, monkeypatch):
    monkeypatch.chdir(labelled / "images")
    (labelled / "l.csv").write_text("id,verdict\n5,normal\n")
    words = ["--generations", ".", "--from", str(labelled / "l.csv")]
    words += ["--generator", "../generator.bin", "--labels", "../labels.jsonl"]
    assert "1 of them new" in CliRunner().invoke(main, ["import", *words]).output


def test_generations_of_another_checkpoint_are_neither_labelled_nor_given_labels(labelled):
    images = labelled / "images"
    write_manifest(images, "sample_generations", {"generator": "12" * 32}, {})
    (labelled / "l.csv").write_text("id,verdict\n5,normal\n")
    before = (labelled / "labels.jsonl").read_text()
    for command, given in (("import", {"from": labelled / "l.csv"}), ("serve", {})):
        result = run(labelled, command, **given)
        assert result.exit_code == 1
        assert f"{images}: sampled from a file of sha256 121212121212, " in result.output
    assert (labelled / "labels.jsonl").read_text() == before
    own = {"generator": sha256_of(labelled / "generator.bin")}
    write_manifest(images, "sample_generations", own, {})
    assert "1 of them new" in run(labelled, "import", **{"from": labelled / "l.csv"}).output


def test_computed_masks_are_compared_with_marks(labelled):
    # The mark is the upper half; the heatmap's mask is the left one: a quarter of three.
    left = torch.tensor([[1.0, 0.0], [1.0, 0.0]]).expand(12, 2, 2)
    heatmaps = HeatmapSet(np.arange(12), torch.zeros(12, 3), left)
    write_heatmaps(labelled / "heatmaps.parquet", {"labelled": heatmaps})
    result = run(labelled, "compare", heatmaps=labelled / "heatmaps.parquet")
    assert result.exit_code == 0, result.output
    assert "1 marked generations: mean IoU 0.333" in result.output
    (labelled / "labels.jsonl").write_text("")
    result = run(labelled, "compare", heatmaps=labelled / "heatmaps.parquet")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "was marked; mark some in the page" in result.output


def test_the_page_starts_with_the_most_uncertain(labelled, monkeypatch):
    logits = torch.zeros(12, 3)
    logits[:, 0] = torch.arange(12) - 7.0
    heatmaps = HeatmapSet(np.arange(12), logits, torch.zeros(12, 2, 2))
    write_heatmaps(labelled / "heatmaps.parquet", {"labelled": heatmaps})
    seen = []

    def serve(app, _access, host, port, _say):
        seen.append((app, host, port))

    monkeypatch.setattr(serving, "serve", serve)
    result = run(labelled, "serve", heatmaps=labelled / "heatmaps.parquet", rater="ann")
    assert result.exit_code == 0, result.output
    ((app, host, port),) = seen
    page = next(route.endpoint.__self__ for route in app.routes if route.path == "/grid")
    assert (host, port) == ("127.0.0.1", 8600)
    assert list(page.book.waiting("ann"))[:5] == [7, 6, 8, 5, 9]


def test_a_page_that_others_reach_wants_a_secret(labelled, monkeypatch):
    monkeypatch.delenv("ARTIFACT_UNITS_TOKEN", raising=False)
    result = run(labelled, "serve", host="0.0.0.0")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "can be reached from other machines; set ARTIFACT_UNITS_TOKEN" in result.output


def test_a_user_whom_the_machine_has_no_name_for_is_asked_for_one(labelled, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", nobody)
    result = run(labelled, "serve")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "give one with --rater" in result.output


def test_a_command_that_there_is_not_is_named_in_one_line():
    result = CliRunner().invoke(main, ["label"])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "There are: settle, serve, import, export, compare." in result.output
