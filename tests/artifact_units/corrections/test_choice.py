"""Which of the fitted corrections is chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from artifact_units.corrections.choice import Fitted, chosen, read_choice, text_of
from artifact_units.corrections.correction import Correction
from artifact_units.corrections.judge import Judged
from artifact_units.errors import UserError
from artifact_units.layers.edits import Scale
from artifact_units.layers.latent_edits import Truncate

EDITED = Correction({"layer2": Scale((1,), (0.0,))})


def fitted(name: str, likely: float, change: float, correction: Correction = EDITED) -> Fitted:
    spread = np.array([-0.01, 0.0, 0.01])
    return Fitted(name, correction, Judged(likely + spread, spread, change + 0 * spread, 10.0))


NONE = fitted("none", 0.9, 0.0, Correction())


def test_the_cheapest_is_chosen() -> None:
    assert chosen([NONE, fitted("a", 0.5, 0.01), fitted("b", 0.2, 0.02)]).name == "b"


def test_no_correction_is_chosen_where_each_does_more_harm_than_good() -> None:
    assert chosen([NONE, fitted("a", 0.5, 0.05)]).name == "none"


def test_what_no_checkpoint_holds_is_not_chosen() -> None:
    gated = fitted("gated", 0.1, 0.0, replace(EDITED, gate=0.5))
    moved = fitted("moved", 0.1, 0.0, Correction(latent=Truncate(1.0)))
    assert chosen([NONE, gated, moved, fitted("a", 0.3, 0.0)]).name == "a"
    with pytest.raises(UserError, match="no correction fits in a checkpoint"):
        chosen([gated, moved])


def test_the_choice_is_read_as_it_was_written(tmp_path) -> None:
    (tmp_path / "choice.json").write_text(text_of(NONE))
    assert read_choice(tmp_path / "choice.json") == "none"
