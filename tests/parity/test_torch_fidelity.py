"""Our features and metrics against torch-fidelity's whole program, on the same images."""

from __future__ import annotations

import pytest
import torch
import torch_fidelity
from torch.utils.data import Dataset

from artifact_units.images.extraction import write_features
from artifact_units.images.features import Extractor, read_features
from artifact_units.images.image_sets import open_images, write_images
from artifact_units.metrics import frechet, kernel, precision_recall

MIXING = torch.randn(3 * 8 * 8, 7, generator=torch.Generator().manual_seed(1)) / 500


class Tiny(torch_fidelity.FeatureExtractorBase):
    """Seven mixtures of an image's pixels."""

    def __init__(self, name, features_list, **_kwargs) -> None:
        super().__init__(name, features_list)

    def forward(self, input):
        return (input.float().flatten(1) @ MIXING,)

    @staticmethod
    def get_provided_features_list():
        return ("mixtures",)

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return "mixtures"


class Pixels(Dataset):
    def __init__(self, pixels: torch.Tensor) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.pixels[index]


def images(seed: int, count: int, low: int):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(low, 256, (count, 3, 8, 8), generator=generator).byte()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    real, generated = images(0, 60, 0), images(1, 41, 20)
    torch_fidelity.register_feature_extractor("tiny-mixtures", Tiny)
    theirs = torch_fidelity.calculate_metrics(
        input1=Pixels(generated),
        input2=Pixels(real),
        feature_extractor="tiny-mixtures",
        fid=True,
        kid=True,
        prc=True,
        kid_subsets=10,
        kid_subset_size=30,
        rng_seed=5,
        prc_neighborhood=3,
        batch_size=16,
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        samples_shuffle=False,
        verbose=False,
    )
    folder = tmp_path_factory.mktemp("both")
    extractor = Extractor("tiny", 7, lambda pixels: pixels.float().flatten(1) @ MIXING)
    sets = []
    for name, pixels in (("real", real), ("generated", generated)):
        write_images(folder / name, range(len(pixels)), iter([pixels]))
        write_features(folder / f"{name}.parquet", extractor, [open_images(folder / name)], 16)
        sets.append(read_features(folder / f"{name}.parquet").features)
    return theirs, sets


def test_the_frechet_distance_is_theirs(both) -> None:
    theirs, sets = both
    ours = frechet.measure(*sets)["frechet"]
    assert ours > 1e-3
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)


def test_the_kernel_distance_is_theirs(both) -> None:
    theirs, sets = both
    ours = kernel.measure(*sets, subsets=10, subset_size=30, seed=5)["kernel"]
    assert ours == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-5)


def test_precision_and_recall_are_theirs_and_not_swapped(both) -> None:
    theirs, sets = both
    ours = precision_recall.measure(*sets, neighbours=3)
    assert ours == {"precision": theirs["precision"], "recall": theirs["recall"]}
    assert ours["precision"] != ours["recall"]
