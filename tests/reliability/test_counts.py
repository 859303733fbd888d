"""None, one, as many as are needed, one more than there are: each works or says what it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from reliability.world import one_line

from artifact_units.images.image_sets import write_images
from artifact_units.labels.verdicts import read_verdicts
from steps.making.command import Input

WORKS = ""


def ids(rows):
    return [f"{stage} {values}" for stage, values, _ in rows]


# The run of world.py has 80 labelled, 40 held-out, 12 reals; 4 artifacts and 4 normals corrected.
ROWS = [
    ("sample_generations", {"labelled": 0}, "labelled is 0; it takes a whole number, at least 1"),
    ("sample_generations", {"labelled": 1, "unlabelled": 1, "heldout": 1}, WORKS),
    ("read_reals", {"images": 0}, "images is 0; it takes a whole number, at least 1"),
    ("read_reals", {"images": 1}, WORKS),
    ("extract_features@none", {"reals": 0}, "reals is 0; it takes a whole number, at least 1"),
    ("extract_reference_features", {"reals": 1}, WORKS),
    ("extract_reference_features", {"reals": 12}, WORKS),
    ("extract_reference_features", {"reals": 13}, "12"),
    ("collect_featuremaps", {"images": 0}, "images is 0; it takes a whole number, at least 1"),
    ("collect_featuremaps", {"images": 1}, WORKS),
    ("collect_featuremaps", {"unlabelled": 0}, "--unlabelled"),
    ("correct_generations@none", {"artifacts": 0}, "artifacts is 0; it takes a whole number"),
    ("correct_generations@none", {"artifacts": 1, "normals": 1}, WORKS),
    ("correct_generations@none", {"artifacts": 41}, "41"),
    ("label_generations", {"least": 10**6}, "1000000"),
    ("train_classifier", {"reals": 13}, "12"),
    ("evaluate_generations", {"neighbours": 0}, "neighbours is 0; it takes a whole number"),
    ("evaluate_generations", {"neighbours": 3}, WORKS),
    ("evaluate_generations", {"neighbours": 4}, "5"),
    ("evaluate_generations", {"subset_size": 1}, "subset_size is 1; it takes a whole number"),
    ("evaluate_generations", {"subset_size": 4}, WORKS),
    ("evaluate_generations", {"subset_size": 5}, "4"),
    ("report", {"generations": 1000}, "generations is 1000; it takes a whole number"),
]


@pytest.mark.parametrize(("stage", "values", "said"), ROWS, ids=ids(ROWS))
def test_a_count_at_its_bounds(world, stage, values, said):
    result = world.run(stage, **values)
    if said == WORKS:
        assert result.exit_code == 0, result.output
    elif result.exit_code == 2:  # a mistake of usage, before anything
        assert said in result.output
    else:
        assert said in one_line(result)


def test_a_labels_file_without_a_verdict_says_what_is_needed(world, tmp_path):
    (tmp_path / "labels.jsonl").touch()
    said = one_line(world.run("label_generations", labels=tmp_path / "labels.jsonl"))
    assert "labels.jsonl" in said


def test_a_class_that_is_absent_from_the_labels_is_named(world, tmp_path):
    labels = world.paths("label_generations", Input)["labels"]
    lines = [line for line in labels.read_text().splitlines() if '"normal"' in line]
    (tmp_path / "labels.jsonl").write_text("\n".join(lines) + "\n")
    assert read_verdicts(tmp_path / "labels.jsonl")
    said = one_line(world.run("label_generations", labels=tmp_path / "labels.jsonl"))
    assert "artifact" in said


def test_an_image_set_without_an_image_is_one_line(world, tmp_path):
    write_images(tmp_path / "none", [], iter([]))
    for stage in ("train_classifier", "extract_reference_features"):
        said = one_line(world.run(stage, images=tmp_path / "none"))
        assert "holds no image shard" in said


def test_a_folder_of_reals_without_an_image_is_one_line(world, tmp_path):
    (tmp_path / "none").mkdir()
    assert "none" in one_line(world.run("read_reals", reals=tmp_path / "none"))


def test_the_world_is_as_large_as_these_rows_take_it_to_be(world):
    assert len(list(Path("results/correct_generations/none/artifacts").iterdir())) == 1
