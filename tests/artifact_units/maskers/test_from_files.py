from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from artifact_units.classifier.masking import MaskerEvidence
from artifact_units.classifier.network import load_classifier, new_classifier, save_classifier
from artifact_units.errors import UserError
from artifact_units.maskers.from_files import mask


@pytest.fixture
def seen(tmp_path) -> MaskerEvidence:
    """Generations 3 and 17 of the three that the stage asks for."""
    save_classifier(tmp_path / "classifier", new_classifier("resnet18_narrow", 16, 0))
    folder = tmp_path / "heatmaps"
    folder.mkdir()
    pixels = torch.arange(2 * 3 * 8 * 8).view(2, 3, 8, 8).to(torch.uint8)
    ids, asked = np.array([17, 3]), np.array([3, 17, 2_000_000])
    return MaskerEvidence(load_classifier(tmp_path / "classifier"), pixels, ids, asked, folder)


def put(seen: MaskerEvidence, **heatmaps: np.ndarray) -> None:
    for name, values in heatmaps.items():
        path = seen.folder / name[1:].replace("_", ".")
        np.save(path, values) if path.suffix == ".npy" else Image.fromarray(values).save(path)


def test_each_generation_has_the_heatmap_of_its_id_whatever_the_file(seen):
    marks = np.array([[0, 51], [255, 0]], np.uint8)
    deep = np.array([[0, 65535], [13107, 0]], np.uint16)
    put(seen, _3_npy=np.array([[0.25, 0], [0, 1]]), _17_png=marks, _2000000_png=deep)
    logits, heatmaps = mask(seen, grid=2)
    wanted = torch.tensor([[[0, 0.2], [1, 0]], [[0.25, 0], [0, 1]]])
    assert torch.allclose(heatmaps, wanted, atol=1e-6)
    assert torch.equal(logits, seen.classifier(seen.images))
    alone = replace(seen, ids=seen.asked[2:], images=seen.images[:1])
    assert torch.allclose(mask(alone, grid=2)[1], torch.tensor([[[0, 1], [0.2, 0]]]), atol=1e-6)


def test_a_larger_mark_is_averaged_over_the_grid_and_a_constant_stays(seen):
    half = np.zeros((64, 64))
    half[:, :32] = 1
    put(seen, _3_npy=half, _17_npy=np.full((5, 7), 0.5), _2000000_npy=half)
    constant, mark = mask(seen, grid=4)[1]
    assert torch.allclose(constant, torch.tensor(0.5))
    assert mark[0, 0] == 1
    assert mark[0, 3] == 0
    assert mark.mean().item() == pytest.approx(0.5)


def test_every_generation_without_a_file_is_named_at_once(seen):
    put(seen, _17_npy=np.zeros((2, 2)), _note_png=np.zeros((2, 2), np.uint8))
    with pytest.raises(UserError, match=r"2 of 3 generations have no heatmap .*: 3, 2000000;"):
        mask(seen)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((2, 2, 3)), "one grey plane"),
        (np.full((2, 2), 1.5), "outside 0 … 1"),
        (np.full((2, 2), np.nan), "outside 0 … 1"),
        (np.zeros((0, 2)), "one grey plane"),
        (np.array([["a"]]), "one grey plane"),
    ],
)
def test_what_is_no_heatmap_is_one_line_with_its_file(seen, values, said):
    put(seen, _3_npy=np.zeros((2, 2)), _17_npy=values, _2000000_npy=np.zeros((2, 2)))
    with pytest.raises(UserError, match=rf"17\.npy: .*{said}"):
        mask(seen)


def test_colours_a_cut_file_and_objects_are_refused(seen):
    put(seen, _3_npy=np.zeros((2, 2)), _2000000_npy=np.zeros((2, 2)))
    put(seen, _17_png=np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(UserError, match=r"17\.png: .*one grey plane"):
        mask(seen)
    (seen.folder / "17.png").write_bytes(b"\x89PNG")
    with pytest.raises(UserError, match=r"17\.png: not a readable heatmap"):
        mask(seen)
    (seen.folder / "17.png").unlink()
    np.save(seen.folder / "17.npy", np.array([[{}]], object))
    with pytest.raises(UserError, match=r"17\.npy: not a readable heatmap"):
        mask(seen)


def test_two_files_of_one_generation_are_refused(seen):
    put(seen, _3_npy=np.zeros((2, 2)), _003_png=np.zeros((2, 2), np.uint8))
    with pytest.raises(UserError, match=r"3\.npy: 003\.png is of the same generation"):
        mask(seen)
