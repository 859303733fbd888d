from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from small_generator import small_generator

from artifact_units.evaluation.truth import open_truth
from artifact_units.files.storage import sha256_of
from artifact_units.files.tables import read_table
from artifact_units.generators import load_generator, save_generator
from artifact_units.images.image_sets import open_images, write_images
from artifact_units.images.latents import HELDOUT, REFERENCE, latents_of
from artifact_units.labels.verdicts import read_verdicts
from artifact_units.layers import placing
from demo.domain.planting import plant
from steps.annotate_generations import main


@pytest.fixture
def folder(tmp_path) -> Path:
    """A planted generator with 12 labelled and 8 held-out generations, annotated."""
    planted = plant(small_generator(), latents_of(range(100), 8), seed=0)
    save_generator(tmp_path / "broken", planted.broken)
    save_generator(tmp_path / "planted" / "clean.safetensors", planted.clean)
    (tmp_path / "planted" / "units.json").write_text(json.dumps(planted.units))
    for name, ids in {"labelled": range(12), "heldout": range(HELDOUT, HELDOUT + 8)}.items():
        images = placing.sample(planted.broken, ids, 4)
        write_images(tmp_path / "generations" / name, ids, images)
    paths = "--generations generations --generator broken --planted planted --labels labels"
    arguments = [a if a.startswith("--") else str(tmp_path / a) for a in paths.split()]
    values = "--error_rate 0 --mask_difference 0.01 --area 0 --reference 5 --seed 0"
    arguments += [*values.split(), "--device", "cpu", "--threads", "1", "--batch", "4"]
    arguments += ["--precision", "float32", "--no-channels_last"]
    result = CliRunner().invoke(main, [*arguments, "--truth", str(tmp_path / "truth")])
    assert result.exit_code == 0, result.output
    return tmp_path


def test_the_labels_are_of_the_labelled_generations_alone_and_true(folder) -> None:
    verdicts = read_verdicts(folder / "labels")
    assert [v.id for v in verdicts] == list(range(12))
    assert {v.checkpoint for v in verdicts} == {sha256_of(folder / "broken")}
    truths = read_table(folder / "truth" / "labelled.parquet", "truths")
    said = [v.verdict == "artifact" for v in verdicts]
    assert said == truths["artifact"].to_pylist()
    assert 0 < sum(said) < 12


def test_the_clean_images_differ_where_the_truth_masks_an_artifact(folder) -> None:
    truth = open_truth(folder / "truth")
    assert truth is not None
    ids = np.arange(HELDOUT, HELDOUT + 8)
    broken = open_images(folder / "generations" / "heldout").take(ids)
    changed = (truth.clean.take(ids) != broken).any(1)
    artifact, masks = truth.heldout(ids)
    assert torch.equal(masks.any(2).any(1), torch.from_numpy(artifact))
    assert not masks[~changed.any(2).any(1)].any()


def test_the_reference_is_the_clean_generators_at_latents_of_its_own(folder) -> None:
    truth = open_truth(folder / "truth")
    assert truth is not None
    assert truth.reference.ids.tolist() == list(range(REFERENCE, REFERENCE + 5))
    clean = load_generator(folder / "planted" / "clean.safetensors")
    again = torch.cat(list(placing.sample(clean, truth.reference.ids, 4)))
    assert torch.equal(truth.reference.take(truth.reference.ids), again)
