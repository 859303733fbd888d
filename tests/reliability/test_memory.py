from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from reliability import growth

ROOT = Path(__file__).parents[2]
# MB. Four times the images are 74 MB more in memory, featuremaps 39, masks 20; a layer in float32
# or a matrix of all distances is more than twice that.
MOST = 15
# What is freed is given back at once, so that a peak is what was held and no habit of an allocator.
AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
AT_ONCE |= {"ARROW_DEFAULT_MEMORY_POOL": "system"}
READERS = [
    "compute_masks",
    "extract_features",
    "read_reals",
    "annotate_generations",
    "collect_featuremaps",
    "evaluate_generations",
    *(f"ranking {name}" for name in growth.RANKINGS + growth.OTHERS),
    *(f"corrector {name}" for name in growth.CORRECTORS),
]


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> dict[str, float]:
    place = tmp_path_factory.mktemp("growth")
    words = [sys.executable, growth.__file__, str(place)]
    environment = os.environ | AT_ONCE | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("reader", READERS)
def test_four_times_the_images_take_no_more_memory(reader, grown) -> None:
    assert grown[reader] < MOST


def test_every_reader_that_is_measured_is_looked_at(grown) -> None:
    assert sorted(grown) == sorted(READERS)
