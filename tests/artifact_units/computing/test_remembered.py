from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import Tensor

from artifact_units.computing.remembered import remembered
from artifact_units.evaluation.gaussians import Gaussian
from artifact_units.metrics import frechet


def test_a_tensor_is_looked_at_once_for_each_option() -> None:
    asked: list[tuple[int, int]] = []

    @remembered
    def scaled(values: Tensor, by: int) -> Tensor:
        asked.append((int(values.sum()), by))
        return values * by

    one, same = torch.ones(3), torch.ones(3)
    assert scaled(one, 2) is scaled(one, 2)
    assert torch.equal(scaled(one, 3), 3 * one)
    assert torch.equal(scaled(same, 2), 2 * one)  # equal, and another tensor
    assert asked == [(3, 2), (3, 3), (3, 2)]


def test_what_is_remembered_goes_with_the_tensor() -> None:
    @remembered
    def doubled(values: Tensor) -> Tensor:
        return values * 2

    values = torch.ones(3)
    found = weakref.ref(doubled(values))
    assert found() is not None
    del values
    gc.collect()
    assert found() is None


def test_the_reals_of_a_sweep_are_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[int] = []
    of = Gaussian.of
    monkeypatch.setattr(Gaussian, "of", lambda features: fitted.append(1) or of(features))
    real, counts = torch.randn(40, 3), torch.ones(1, 20).long().numpy()
    for _ in range(3):
        frechet.resample(real, torch.randn(20, 3), counts)
    assert len(fitted) == 1


def test_the_published_distance_has_its_reals_measured_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[int] = []
    of = frechet.fid_features_to_statistics
    monkeypatch.setattr(
        frechet, "fid_features_to_statistics", lambda f: measured.append(len(f)) or of(f)
    )
    real = torch.randn(40, 3)
    for _ in range(3):
        frechet.measure(real, torch.randn(20, 3))
    assert sorted(measured) == [20, 20, 20, 40]
