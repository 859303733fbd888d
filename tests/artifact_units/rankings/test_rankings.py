from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from artifact_units import registry
from artifact_units.errors import UserError
from artifact_units.evaluation.gaussians import Gaussian
from artifact_units.rankings import (
    activation_difference,
    contrast,
    defective_score,
    local_activation,
    random_order,
    range_excess,
    rare_neurons,
    unit_fid,
)
from artifact_units.units import evidence
from artifact_units.units.evidence import Evidence


def some(units: int = 3) -> Evidence:
    """Six images, the first three artifacts; 1,000 unlabelled ones, as options default to."""
    generator = torch.Generator().manual_seed(0)
    return Evidence(
        layer="layer3",
        ids=np.arange(6),
        artifact=np.array([True] * 3 + [False] * 3),
        featuremaps=torch.randn(6, units, 2, 2, generator=generator).half(),
        masks=torch.rand(6, 4, 4, generator=generator) > 0.5,
        thresholds=torch.zeros(units),
        maxima=torch.rand(1000, units, generator=generator),
        unlabelled=torch.randn(1000, 2, generator=generator),
        reals=torch.randn(20, 2, generator=generator),
        seed=0,
        repeat=0,
    )


@pytest.mark.parametrize("name", registry.names("rankings"))
def test_every_ranking_gives_one_finite_score_a_unit_and_the_same_again(name) -> None:
    score = registry.take("rankings", name)
    found, again = score(some()), score(some())
    assert found.score.dtype == np.float64
    assert found.score.shape == (3,)
    assert np.isfinite(found.score).all()
    assert np.array_equal(found.score, again.score)
    if found.per_image is not None:
        assert np.allclose(found.per_image.mean(0), found.score)


def grid(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows)


def test_the_defective_score_is_the_mean_of_ious_by_hand() -> None:
    # Grid and mask are both 2 x 2, so nothing is upsampled. Threshold 0.5.
    on = grid([1, 0], [0, 0])
    both = grid([1, 1], [0, 0])
    none = grid([0, 0], [0, 0])
    whole = grid([1, 1], [1, 1])
    maps = torch.stack(
        [torch.stack(pair) for pair in [(on, both), (both, none), (on, on), (on, on)]]
    )
    masks = torch.stack([whole, both, none, both]) > 0
    evidence = replace(
        some(2),
        ids=np.arange(4),
        artifact=np.array([True, True, True, False]),
        featuremaps=maps.half(),
        masks=masks,
        thresholds=torch.full((2,), 0.5),
    )
    found = defective_score.score(evidence)
    # The third image has no mask and the fourth is normal: neither counts.
    assert found.images == 2
    assert found.per_image is not None
    assert found.chance_iou is not None
    assert found.per_image.tolist() == [[0.25, 0.5], [1.0, 0.0]]
    assert found.score.tolist() == [0.625, 0.25]  # sums over images would give 3/6 and 2/6
    # Areas of the units 1/4, 1/2 and then 1/2, 0; of the masks 1 and 1/2.
    assert found.chance_iou == pytest.approx([(1 / 4 + 1 / 3) / 2, (1 / 2 + 0) / 2])


def test_without_a_mask_on_any_artifact_one_line_says_what_to_do() -> None:
    evidence = replace(some(), masks=torch.zeros(6, 4, 4, dtype=torch.bool))
    with pytest.raises(UserError, match=r"none of 3 artifact generations has a mask.*lower"):
        defective_score.score(evidence)


def test_a_random_order_is_another_in_each_repeat_layer_and_seed() -> None:
    evidence = some(50)
    changed = [
        evidence,
        replace(evidence, repeat=1),
        replace(evidence, seed=1),
        replace(evidence, layer="layer4"),
    ]
    orders = [tuple(np.argsort(random_order.score(e).score)) for e in changed]
    assert len(set(orders)) == 4
    # It looks at nothing else.
    other = replace(evidence, masks=~evidence.masks, featuremaps=-evidence.featuremaps)
    assert np.array_equal(random_order.score(other).score, random_order.score(evidence).score)


def test_a_unit_is_as_far_from_the_reals_as_the_generations_that_excite_it_most() -> None:
    reals = torch.randn(30, 2, generator=torch.Generator().manual_seed(1))
    evidence = replace(
        some(2),
        # The first 30 generations are the reals themselves, the others those moved by (3, 4).
        unlabelled=torch.cat([reals, reals + torch.tensor([3.0, 4.0])]),
        reals=reals,
        maxima=torch.stack([torch.arange(60.0).flip(0), torch.arange(60.0)], 1),
    )
    found = unit_fid.score(evidence, top=0.5)
    assert found.score == pytest.approx([0, 25], abs=1e-4)
    assert found.images == 30


@pytest.mark.parametrize("top", [0.001, 1.1])
def test_a_share_above_all_or_too_small_for_a_covariance_is_refused(top) -> None:
    with pytest.raises(UserError, match="at most all of the 1000 unlabelled generations"):
        unit_fid.score(some(), top=top)


def test_the_activation_difference_by_hand() -> None:
    # Spatial means 3, 5 in artifacts, 1, 1 in normals; a constant unit; one silent in artifacts.
    means = torch.tensor([[3.0, 2, 0], [5, 2, 0], [1, 2, 4], [1, 2, 4]])
    maps = means[:, :, None, None] + torch.tensor([[-1.0, 1], [0, 0]])
    evidence = replace(
        some(),
        ids=np.arange(4),
        artifact=np.array([True, True, False, False]),
        featuremaps=maps.half(),
        masks=some().masks[:4],
    )
    found = activation_difference.score(evidence)
    assert found.score == pytest.approx([3 / np.sqrt(2.75), 0, -2])


def test_an_activation_difference_needs_both_labels() -> None:
    with pytest.raises(UserError, match="of 6 there are 0 normal"):
        activation_difference.score(replace(some(), artifact=np.ones(6, bool)))


def pictured(maps: list[list[list[float]]], artifact: list[bool]) -> Evidence:
    """Evidence of featuremaps ``[image][unit][position]``, each a row of positions."""
    values = torch.tensor(maps)[:, :, None, :]
    images = len(values)
    return replace(
        some(values.shape[1]),
        ids=np.arange(images),
        artifact=np.array(artifact),
        featuremaps=values.half(),
        masks=torch.ones(images, 1, values.shape[3], dtype=torch.bool),
        thresholds=torch.full((values.shape[1],), 0.5),
    )


def test_contrast_takes_off_what_normal_generations_score_with_their_own_masks() -> None:
    # Unit 0 is on where the mask is, in artifacts alone; unit 1 in every image.
    fits, none = [1.0, 0.0], [0.0, 0.0]
    maps = [[fits, fits], [fits, fits], [none, fits], [none, fits]]
    masks = torch.tensor([[[True, False]]] * 3 + [[[False, False]]])
    evidence = replace(pictured(maps, [True, True, False, False]), masks=masks)
    assert defective_score.score(evidence).score.tolist() == [1.0, 1.0]
    found = contrast.score(evidence)
    # The last normal has no mask and counts as 0, so unit 1 scores 1/2 in normals.
    assert found.score.tolist() == [1.0, 0.5]
    assert found.per_image is not None
    assert found.per_image.tolist() == [[1.0, 0.5], [1.0, 0.5]]
    blind = replace(evidence, masks=masks & torch.tensor(evidence.artifact)[:, None, None])
    assert contrast.score(blind).score.tolist() == [1.0, 1.0]


def test_masks_are_looked_at_once_for_all_layers_and_nobody_may_change_what_was_found(
    monkeypatch,
) -> None:
    asked, in_parts = [], evidence.in_parts
    monkeypatch.setattr(evidence, "in_parts", lambda masks: asked.append(1) or in_parts(masks))
    first = some()
    for layer in ("layer3", "layer4"):
        assert replace(first, layer=layer).masked.all()
    assert len(asked) == 1
    with pytest.raises(ValueError, match="read-only"):
        first.masked[0] = False


def test_the_reals_are_fitted_once_for_all_layers(monkeypatch) -> None:
    fitted, of = [], Gaussian.of
    monkeypatch.setattr(Gaussian, "of", lambda features: fitted.append(1) or of(features))
    first = some()
    for layer in ("layer3", "layer4"):
        unit_fid.score(replace(first, layer=layer))
    assert len(fitted) == 1


def test_range_excess_refuses_more_values_than_it_can_merge() -> None:
    # Each half of them can be counted.
    maps = torch.zeros(1, 1, 1, 1).half().expand(2048, 1, 1024, 1024)
    artifact = np.arange(2048) < 1024
    masks = torch.ones(1, 1, 1, dtype=torch.bool).expand(2048, 1, 1)
    many = replace(some(1), featuremaps=maps, masks=masks, artifact=artifact)
    with pytest.raises(UserError, match="a histogram holds 2147483647; lower collect_featuremaps"):
        range_excess.score(many)


def test_range_excess_counts_what_is_beyond_the_normals_range_in_widths_of_it() -> None:
    # Normals keep to [0, 2]; artifacts have 2 + 4 and 0 - 2 at one of two positions.
    maps = [[[6.0, 1.0]], [[-2.0, 1.0]], [[0.0, 2.0]], [[1.0, 2.0]]]
    found = range_excess.score(pictured(maps, [True, True, False, False]))
    assert found.per_image is not None
    assert found.per_image[:, 0].tolist() == [1.0, 0.5]  # (4 + 0) / 2 / 2 and (2 + 0) / 2 / 2
    assert found.score.tolist() == [0.75]


def test_a_unit_that_is_silent_in_normals_scores_highest_and_a_constant_one_nothing() -> None:
    maps = [[[8.0, 0.0], [9.0, 0.0], [3.0, 3.0]], [[0.0, 0.0], [1.0, 0.0], [3.0, 3.0]]]
    found = range_excess.score(pictured(maps, [True, False])).score
    # A range of 0 counts as a twentieth of the deviation, which is 2 sqrt(3).
    assert found == pytest.approx([4 / (0.05 * 2 * np.sqrt(3)), 4.0, 0.0])


@pytest.mark.parametrize("name", ["contrast", "range_excess"])
def test_what_compares_with_normals_needs_some(name) -> None:
    with pytest.raises(UserError, match="normal"):
        registry.take("rankings", name)(replace(some(), artifact=np.ones(6, bool)))


def test_rare_neurons_are_active_in_few_generations_but_in_some() -> None:
    # Position 0 is active in 1 of 4, position 1 in 2, position 2 in none.
    on = [[1.0, 1.0, -1.0], [-1.0, 1.0, 0.0], [-1.0, -1.0, 0.0], [-1.0, -1.0, 0.0]]
    evidence = pictured([[image] for image in on], [True, True, False, False])
    assert rare_neurons.score(evidence).score == pytest.approx([1 / 4 / 3])
    assert rare_neurons.score(evidence, rate=0.5).score == pytest.approx([(1 / 4 + 2 / 4) / 3])
    assert rare_neurons.score(evidence, rate=0.2).score.tolist() == [0.0]
    with pytest.raises(UserError, match="rate is 0"):
        rare_neurons.score(evidence, rate=0.0)


def test_local_activation_is_the_peak_of_the_sharpest_generations_in_deviations() -> None:
    # Deviation over all eight values: mean 1/2, sqrt(7 / 8 * 2) = 1.3229; the peak is 4 - 2.
    maps = [[[4.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.0]]]
    evidence = pictured(maps, [True, False, True, False])
    deviation = np.sqrt(16 / 8 - 1 / 4)
    assert local_activation.score(evidence, share=0.25).score == pytest.approx([2 / deviation])
    assert local_activation.score(evidence, share=0.5).score == pytest.approx([1 / deviation])
    same = pictured([[[3.0, 3.0]]] * 4, [True, False, True, False])
    assert local_activation.score(same).score.tolist() == [0.0]


@pytest.mark.parametrize("name", ["local_activation", "rare_neurons"])
def test_what_needs_no_label_looks_at_none(name) -> None:
    evidence = some()
    other = replace(evidence, artifact=~evidence.artifact, masks=~evidence.masks)
    score = registry.take("rankings", name)
    assert np.array_equal(score(evidence).score, score(other).score)
