"""Half-precision values for Hypothesis, by their bit patterns: none has to be thrown away."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

INFINITY = 0x7C00  # the first pattern that is no finite number; the sign is one bit more


def _half(number: int) -> np.float16:
    negative, pattern = divmod(number, INFINITY)
    return np.uint16(negative << 15 | pattern).view(np.float16)


halves = st.integers(0, 2 * INFINITY - 1).map(_half)
