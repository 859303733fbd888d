from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from artifact_units.computing import devices, portable
from artifact_units.computing.elementwise import logsumexp, sqrt, tanh
from artifact_units.files.manifests import noting

VALUES = torch.cat(
    [torch.randn(2000, generator=torch.Generator().manual_seed(0)) * 3, torch.zeros(1)]
)


def said_by(code: str, **environment: str) -> str:
    """What a fresh process that is told nothing else says."""
    told = {*portable.SETTINGS, portable.NUMPY}
    others = {key: value for key, value in os.environ.items() if key not in told}
    words = [sys.executable, "-W", "error::ImportWarning", "-c", code]
    done = subprocess.run(
        words, env=others | environment, check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_what_is_imported_afterwards_is_held_to_what_every_such_processor_has() -> None:
    code = """
from artifact_units.computing import portable; import sys
assert not {"torch", "numpy"} & {*sys.modules}
portable.settle()
import numpy, torch
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
print(torch.backends.cpu.get_cpu_capability(), [f for f in __cpu_dispatch__ if __cpu_features__[f]])
"""
    assert said_by(code) == said_by(code, MKL_CBWR="AUTO", ATEN_CPU_CAPABILITY="avx512")
    assert said_by(code) in ("AVX2 []", "DEFAULT []")


def test_a_processor_without_avx2_or_of_another_kind_is_told_nothing(monkeypatch) -> None:
    for name in (*portable.SETTINGS, portable.NUMPY):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(portable.platform, "machine", lambda: "aarch64")
    portable.settle()
    assert not portable.is_settled()


def test_manifests_say_which_instructions_computed_where_they_were_the_processors_own(
    monkeypatch,
) -> None:
    with noting() as notes:
        devices.prepare("cpu", 1)
    assert notes == []
    monkeypatch.delenv("MKL_CBWR")
    with noting() as notes:
        devices.prepare("cpu", 1)
    assert [note.partition(":")[0] for note in notes] == [
        "computed with the processor's own instructions"
    ]
    assert torch.backends.cpu.get_cpu_capability() in notes[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tangents_and_roots_are_right_to_two_units_in_the_last_place(dtype) -> None:
    x = VALUES.to(dtype)
    two = {"rtol": 2 * torch.finfo(dtype).eps, "atol": 0}
    torch.testing.assert_close(tanh(x), torch.tanh(x), **two)
    torch.testing.assert_close(tanh(x * 1e-4), torch.tanh(x * 1e-4), **two)
    torch.testing.assert_close(sqrt(x.abs()), x.abs().sqrt(), **two)


def test_a_tangent_is_1_far_out_and_no_number_only_of_none() -> None:
    far = torch.tensor([200.0, -200.0, torch.inf, -torch.inf, torch.nan])
    assert np.array_equal(tanh(far).numpy(), [1, -1, 1, -1, np.nan], equal_nan=True)


def test_a_sum_of_exponentials_is_right_where_they_would_overflow() -> None:
    found = logsumexp(torch.tensor([[1000.0, 1000.0], [0.0, -1000.0]]))
    assert found.tolist() == pytest.approx([1000 + np.log(2), 0])
