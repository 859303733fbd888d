"""Units in a random order: the first row of the paper's table (section 4)."""

from __future__ import annotations

import zlib

import numpy as np

from artifact_units.units.evidence import Evidence, UnitScores


def score(evidence: Evidence) -> UnitScores:
    """Uniform in [0, 1), by seed, repeat and layer alone; the stream is one NumPy froze."""
    seeds = [evidence.seed, evidence.repeat, zlib.crc32(evidence.layer.encode())]
    stream = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seeds)))
    return UnitScores(score=stream.random_sample(evidence.featuremaps.shape[1]))
