from __future__ import annotations

import dataclasses

import numpy as np
import torch
from small_generator import small_generator

from artifact_units.evaluation.truth import open_truth
from artifact_units.images.image_sets import open_images, write_images
from artifact_units.images.latents import latents_of
from artifact_units.labels.verdicts import Verdict
from artifact_units.layers import placing
from demo.domain.annotator import Compared, compared, verdicts_of, write_truths
from demo.domain.planting import plant


def seen(count: int) -> Compared:
    """Every third generation is an artifact: the upper left quarter of 4 px."""
    artifact = np.arange(count) % 3 == 0
    masks = np.zeros((count, 2), np.uint8)
    masks[artifact, 0] = 0b11001100  # two rows of 4 px
    return Compared(np.arange(count), 4, masks, artifact * 0.25, artifact)


def verdicts(count: int, error_rate: float, seed: int = 0) -> list[Verdict]:
    truth = seen(count)
    return verdicts_of(truth.ids, truth.artifact, "abc", error_rate, seed)


def test_without_errors_the_verdicts_are_the_truth() -> None:
    said = verdicts(6, error_rate=0.0)
    words = [v.verdict for v in said]
    assert words == ["artifact", "normal", "normal", "artifact", "normal", "normal"]
    assert {(v.rater, v.checkpoint) for v in said} == {("simulated", "abc")}


def test_errors_come_at_their_rate_and_more_generations_change_none() -> None:
    right = verdicts(2000, error_rate=0.0)
    said = verdicts(2000, error_rate=0.1)
    wrong = sum(a != b for a, b in zip(right, said, strict=True))
    assert 160 <= wrong <= 240  # 200 expected, a standard deviation of 13
    assert verdicts(300, error_rate=0.1) == said[:300]
    assert verdicts(2000, error_rate=0.1, seed=1) != said


def test_what_is_written_of_the_truth_is_read_back(tmp_path) -> None:
    generations = dataclasses.replace(seen(5), ids=np.arange(20, 25))
    write_truths(tmp_path / "heldout.parquet", generations)
    (tmp_path / "units.json").write_text("{}")
    truth = open_truth(tmp_path)
    assert truth is not None
    artifact, masks = truth.heldout([23, 21])
    assert artifact.tolist() == [True, False]
    quarter = torch.zeros(4, 4, dtype=torch.bool)
    quarter[:2, :2] = True
    assert torch.equal(masks, torch.stack([quarter, torch.zeros_like(quarter)]))


def test_generations_are_held_against_clean_twins_of_the_same_latents(tmp_path) -> None:
    planted = plant(small_generator(), latents_of(range(100), 8), seed=0)
    ids = np.arange(30, 90)
    write_images(tmp_path, ids, placing.sample(planted.broken, ids, 20))
    twins = placing.sample(planted.clean, ids, 25)
    found = compared(open_images(tmp_path), twins, mask_difference=0.01, area=0.0)
    with torch.no_grad():
        change = (planted.broken(latents_of(ids, 8)) - planted.clean(latents_of(ids, 8))).abs()
    # What does not differ at all is normal; what differs by more than a rounding is an artifact.
    assert not found.artifact[(change.amax((1, 2, 3)) == 0).numpy()].any()
    assert found.artifact[(change.amax((1, 2, 3)) > 0.2).numpy()].all()
    assert 0 < found.artifact.sum() < 60
