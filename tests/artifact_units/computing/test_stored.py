from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from artifact_units.computing.stored import in_parts, whole
from artifact_units.errors import UserError
from artifact_units.units import featuremaps, overlap
from artifact_units.units.featuremaps import StoredFeaturemaps, open_featuremaps
from artifact_units.units.overlap import overlap_of

CPU = torch.device("cpu")


@pytest.fixture
def values(tmp_path) -> Tensor:
    """Seven images of three units, in shards of 3, 3 and 1."""
    maps = torch.randn(7, 3, 4, 5, generator=torch.Generator().manual_seed(0)).half()
    for number, part in enumerate(maps.split(3)):
        file = tmp_path / f"0000{number}.safetensors"
        save_file({"layer2": part.clone(), "ids": torch.zeros(len(part))}, file)
    return maps


def test_it_is_a_tensor_to_whoever_takes_one(values, tmp_path) -> None:
    stored = open_featuremaps(tmp_path, "layer2", CPU)
    assert isinstance(stored, StoredFeaturemaps)
    assert (stored.shape, stored.dtype) == (values.shape, values.dtype)
    assert torch.equal(stored.float(), values.float())
    assert torch.equal(stored[:, 1], values[:, 1])
    assert torch.equal(stored > 0.5, values > 0.5)
    assert torch.equal(stored.amax((2, 3)), values.amax((2, 3)))
    assert torch.equal(stored.mean((2, 3), dtype=torch.float32), values.float().mean((2, 3)))
    assert torch.equal(stored.std((0, 2, 3)), values.std((0, 2, 3)))


@pytest.mark.parametrize(
    "rows", [[0, 2, 3, 6], [5, 1, 4, 4], [], [True, False, False, True, True, False, True]]
)
def test_rows_are_chosen_as_of_a_tensor_in_any_order(values, tmp_path, rows) -> None:
    stored = open_featuremaps(tmp_path, "layer2", CPU)
    chosen = torch.tensor(rows, dtype=torch.bool if len(rows) == 7 else torch.int64)
    assert torch.equal(stored[chosen].float(), values[chosen].float())
    parts = list(in_parts(stored[chosen], 2))
    assert all(0 < len(part) <= 2 for part in parts)
    assert torch.equal(torch.cat([values[:0], *parts]), values[chosen])


def test_choosing_counting_and_spatial_means_read_no_more_than_they_need(
    values, tmp_path, monkeypatch
) -> None:
    stored = open_featuremaps(tmp_path, "layer2", CPU)
    usual = StoredFeaturemaps.whole
    few = lambda some: usual(some) if len(some) == 1 else pytest.fail("more was read")  # noqa: E731
    monkeypatch.setattr(StoredFeaturemaps, "whole", few)
    monkeypatch.setattr(overlap, "CHUNK", 1)  # an image at a time
    masks = torch.rand(7, 9, 9, generator=torch.Generator().manual_seed(1)) > 0.5
    rows = torch.tensor([1, 2, 6])
    found = overlap_of(stored[rows], torch.zeros(3), masks[rows])
    expected = overlap_of(values[rows], torch.zeros(3), masks[rows])
    assert torch.equal(found.on, expected.on)
    assert torch.equal(found.intersection, expected.intersection)
    assert stored[rows].mean((2, 3)).shape == (3, 3)


def test_slices_of_images_and_lists_of_units_read_nothing_either(values, tmp_path) -> None:
    found = open_featuremaps(tmp_path, "layer2", CPU)
    chosen = found[:, [2, 0]][1:6]
    assert isinstance(chosen, StoredFeaturemaps)
    assert torch.equal(chosen[:, [1]].float(), values[1:6, [0]].float())
    assert torch.equal(chosen.float(), values[:, [2, 0]][1:6].float())
    assert torch.equal(found[:, []].float(), values[:, []].float())
    assert torch.equal(found[:, [-1, 0]].float(), values[:, [-1, 0]].float())
    some = torch.tensor([True, False, True])
    assert torch.equal(found[:, some].float(), values[:, some].float())
    assert found.read is None


def test_of_units_that_lie_apart_what_is_between_them_is_not_read(
    values, tmp_path, monkeypatch
) -> None:
    read, opened = [], featuremaps._opened

    class Noting:
        def __init__(self, values) -> None:
            self.values = values

        def __getitem__(self, index):
            read.append(self.values[index])
            return read[-1]

    @contextmanager
    def noting(shard):
        with opened(shard) as file:
            yield SimpleNamespace(get_slice=lambda layer: Noting(file.get_slice(layer)))

    stored = open_featuremaps(tmp_path, "layer2", CPU)
    monkeypatch.setattr(featuremaps, "_opened", noting)
    assert torch.equal(whole(stored[:, [0, 2]]), values[:, [0, 2]])
    assert sum(part.numel() for part in read) == values[:, [0, 2]].numel()


# What is freed is given back at once, so that a peak is what was held.
AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
GROWTH = """
import resource, sys, torch
from pathlib import Path
from artifact_units.units.overlap import overlap_of
from artifact_units.units.featuremaps import open_featuremaps
def peak(images):
    stored = open_featuremaps(Path(sys.argv[1]), "layer1", torch.device("cpu"))
    rows = torch.arange(images)
    overlap_of(stored[rows], torch.zeros(16), torch.ones(images, 8, 8, dtype=torch.bool))
    stored[rows].mean((2, 3))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
peak(100)  # pages of what is done for the first time
few = peak(100)
print(peak(1000) - few)
"""


def test_ten_times_the_images_take_no_more_memory(tmp_path) -> None:
    for number in range(5):
        maps = torch.randn(200, 16, 64, 64).half()  # 26 MB, 131 MB in all
        save_file({"layer1": maps}, tmp_path / f"0000{number}.safetensors")
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", GROWTH, str(tmp_path)]
    environment = os.environ | AT_ONCE
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 40  # MB; 900 images more are 118


def test_a_folder_without_shards_or_without_the_layer_is_refused(values, tmp_path) -> None:
    with pytest.raises(UserError, match=r"layer9.*run collect_featuremaps again"):
        open_featuremaps(tmp_path, "layer9", CPU)
    with pytest.raises(UserError, match="holds no featuremaps"):
        open_featuremaps(tmp_path / "elsewhere", "layer2", CPU)
