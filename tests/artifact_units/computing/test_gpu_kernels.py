"""What the kernels count, in Triton's interpreter (``conftest.py``), and what Triton makes of them.

No GPU need be there. Small inputs of every kind are Hypothesis's in ``test_overlap.py`` and
``test_histograms.py``; here is every size.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from artifact_units.computing import fallback
from artifact_units.files.manifests import noting
from artifact_units.units import histograms, overlap
from artifact_units.units.histograms import Histogram

# Triton compiles for a target that is named, by tools that it brings along.
COMPILED = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from artifact_units.computing import gpu_kernels

def compiled(kernel, types, sizes, fused):
    signature = dict(zip(kernel.arg_names, [*types.split(), "constexpr"], strict=True))
    source = ASTSource(kernel, signature, constexprs=sizes)
    made = compile(source, target=GPUTarget("cuda", 90, 32), options={"enable_fp_fusion": fused})
    return made.asm["sass"]

TYPES = "*fp16 *fp32 *u8 *i64 *fp32 *i64 *fp32 *i32 i32 i32 i32 i32 i32"
for fused in (False, True):
    made = compiled(gpu_kernels._count_overlap, TYPES, {"WIDE": 256}, fused)
    print(*(made.count(name) for name in ("FFMA", "FMUL", "FADD")))
made = compiled(gpu_kernels._add_patterns, "*i16 *i32 i32 i32", {"TILE": 1024}, False)
print(made.count("RED") + made.count("ATOM"))
"""


def awkward(rows: int, cols: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two images of four units, and thresholds: a constant that ties with it, another that is
    above, few values of which one is the threshold, and half precision's largest, of both signs.
    """
    stream = np.random.default_rng(rows)
    few = stream.choice(np.array([-2, -0.5, -0.0, 2**-24, 0.1, 0.3], np.float16), (2, rows, cols))
    ends = stream.choice(np.array([65504, -65504], np.float16), (2, rows, cols))
    maps = np.stack([np.full_like(few, 0.1), np.full_like(few, 0.3), few, ends], 1)
    thresholds = [float(np.float16(0.1)), 0.1, float(few[0, 0, 0]), 0.0]
    return torch.from_numpy(maps), torch.tensor(thresholds, dtype=torch.float32)


@pytest.mark.parametrize("size", range(1, 65))
def test_pixels_are_counted_to_the_last_one_at_every_size(size) -> None:
    """Grids of 1 to 64 rows, enlarged and made smaller; an empty mask and a full one too."""
    maps, thresholds = awkward(size, 65 - size)
    height, width = (65 - size, size) if size % 2 else (size, 65 - size)
    masks = torch.from_numpy(np.random.default_rng(size).random((2, height, width)) > 0.5)
    masks[0] = size % 4 < 2
    found = overlap._by_kernel(maps, thresholds, masks)
    assert torch.equal(found, overlap._by_loops(maps, thresholds, masks))
    assert torch.equal(found, overlap._by_tensors(maps, thresholds, masks))
    assert found[:, 0].tolist() == [[0, 0]] * 2  # at the threshold is not above it
    assert found[:, 1, 1].tolist() == [height * width] * 2


def test_one_unit_of_one_image_is_counted_and_no_image_is_nothing() -> None:
    masks = torch.ones(1, 3, 3, dtype=torch.bool)
    one = torch.ones(1, 1, 2, 2).half()
    assert overlap._by_kernel(one, torch.zeros(1), masks).tolist() == [[[9, 9]]]
    assert overlap._by_kernel(one[:0], torch.zeros(1), masks[:0]).shape == (0, 1, 2)


@pytest.mark.parametrize("values", [1, 2, 1023, 1024, 1025, 3 * 1024, 3 * 1024 + 7])
def test_values_are_counted_in_as_many_blocks_as_they_fill(values) -> None:
    maps, _ = awkward(1, values)
    wanted = histograms._add_by_loops(Histogram.empty(4).counts, maps)
    assert torch.equal(histograms._add_by_kernel(Histogram.empty(4).counts, maps), wanted)
    assert wanted.sum(1).tolist() == [2 * values] * 4


def test_they_compile_for_an_h200_and_no_product_and_sum_are_fused(tmp_path) -> None:
    given = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    given |= {"TRITON_CACHE_DIR": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMPILED],
        env=given,
        capture_output=True,
        text=True,
        check=True,
    )
    apart, together, (added,) = ([int(n) for n in t.split()] for t in told.stdout.splitlines())
    assert added > 0  # by atomic operations
    assert apart[0] == 0
    assert apart[1] == together[0]  # the products that would be fused, each rounded by itself
    assert apart[1] > 0


def test_the_kernels_are_used_once_they_have_counted_an_example_right() -> None:
    cpu = torch.device("cpu")
    with noting() as notes:
        assert overlap._on_gpu.__wrapped__(cpu) is overlap._by_kernel
        assert histograms._on_gpu.__wrapped__(cpu) is histograms._add_by_kernel
    assert notes == []


def broken(*_given: object) -> torch.Tensor:
    raise RuntimeError("Failed to find C compiler.\nPlease specify via CC")


@pytest.mark.parametrize(
    ("fast", "why"),
    [
        (broken, "Failed to find C compiler."),
        (lambda: torch.ones(2), "they count otherwise than tensors do"),
    ],
)
def test_where_they_fail_or_count_otherwise_tensors_do_it_and_the_manifest_says_so(
    fast, why
) -> None:
    def slow() -> torch.Tensor:
        return torch.zeros(2)

    with noting() as notes:
        assert fallback.tried(fast, slow, tuple) is slow
    assert notes == [f"Triton's kernels are not used here, which is slower: {why}"]
