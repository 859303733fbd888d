from __future__ import annotations

import numpy as np
import torch
from halves import halves
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from artifact_units.files.tables import read_table
from artifact_units.units import histograms
from artifact_units.units.histograms import Histogram, histogram_of, write_histograms

layers = hnp.arrays(np.float16, (5, 2, 2, 3), elements=halves)


def histogram(maps: np.ndarray, batch: int = 5) -> Histogram:
    found = Histogram.empty(maps.shape[1])
    for part in torch.from_numpy(maps).split(batch):
        found.add(part)
    return found


@settings(max_examples=60, deadline=None)
@given(layers, st.one_of(st.sampled_from([0.0, 0.5, 0.95, 1.0]), st.floats(0, 1)))
def test_a_quantile_is_the_one_that_numpy_finds_in_the_values_themselves(maps, q) -> None:
    values = maps.astype(np.float64).transpose(1, 0, 2, 3).reshape(2, -1)
    expected = np.quantile(values, q, axis=1, method="inverted_cdf")
    assert histogram(maps).quantile(q).double().numpy().tolist() == expected.tolist()


@settings(max_examples=30, deadline=None)
@given(layers, st.integers(1, 5), st.integers(0, 5))
def test_counts_know_nothing_of_batches_and_merge_over_shards(maps, batch, border) -> None:
    whole = histogram(maps)
    parts = histogram(maps[:border], batch).merged(histogram(maps[border:], batch))
    assert torch.equal(whole.counts, parts.counts)
    assert whole.counts.sum(1).tolist() == [30, 30]  # 5 images of 2 x 3 positions a unit


@settings(max_examples=30, deadline=None)
@given(layers)
def test_tensors_and_the_kernel_of_a_gpu_count_what_loops_count(maps) -> None:
    """Values that lie channels last too."""
    values = torch.from_numpy(maps)
    found = histogram(maps)
    for add in (histograms._add_by_tensors, histograms._add_by_kernel):
        counts = Histogram.empty(maps.shape[1]).counts
        assert torch.equal(add(counts, values), found.counts)
    other = Histogram.empty(maps.shape[1])
    other.add(values.contiguous(memory_format=torch.channels_last))
    assert torch.equal(other.counts, found.counts)


def test_at_most_the_asked_share_of_values_lies_above_a_quantile() -> None:
    maps = torch.arange(100, dtype=torch.float16).view(1, 1, 10, 10)
    found = Histogram.empty(1)
    found.add(maps)
    assert found.quantile(0.95).tolist() == [94.0]  # 95 .. 99 are above: 5 of 100
    assert found.quantile(0.951).tolist() == [95.0]


def test_histograms_are_read_back_layer_by_layer_as_they_were(tmp_path) -> None:
    generator = torch.Generator().manual_seed(0)
    written = {}
    for name, units, px in (("layer1", 3, 2), ("layer2", 2, 4)):
        written[name] = Histogram.empty(units)
        written[name].add(torch.randn(4, units, px, px, generator=generator).half())
    for name in "ab":
        write_histograms(tmp_path / name, written)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    table = read_table(tmp_path / "a", "histograms")
    assert table["layer"].to_pylist() == ["layer1"] * 3 + ["layer2"] * 2
    for name, one in written.items():
        assert torch.equal(histogram_of(table, name).counts, one.counts)
