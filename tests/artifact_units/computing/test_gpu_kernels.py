"""What Triton makes of the kernels, for a GPU that need not be there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from artifact_units.computing import fallback
from artifact_units.files.manifests import noting
from artifact_units.units import histograms, overlap

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
