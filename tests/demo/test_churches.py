from __future__ import annotations

import torch

from demo.domain.churches import render_churches, render_scenes


def test_a_church_depends_on_its_stream_and_index_alone() -> None:
    together = render_churches(3, range(6), 32)
    assert torch.equal(render_churches(3, [4, 1], 32), together[[4, 1]])
    assert not torch.equal(render_churches(4, [1], 32), together[[1]])
    assert together.shape == (6, 3, 32, 32)
    assert together.dtype == torch.uint8


def test_the_shipped_networks_churches_are_still_drawn_the_same() -> None:
    # Frozen when the generator was trained; a rounding may fall the other way elsewhere.
    church = render_churches(10_000, [0], 64)[0].int()
    frozen = {(5, 5): (142, 173, 228), (40, 32): (119, 111, 114), (60, 10): (109, 107, 60)}
    for (row, col), colour in frozen.items():
        assert (church[:, row, col] - torch.tensor(colour)).abs().max() <= 1


def test_the_noted_sky_is_the_colour_of_a_cloudless_top() -> None:
    images, noted = render_scenes(0, range(40), 64)
    cloudless = (noted["cloud"][:, 0] == 0) & (noted["cloud2"][:, 0] == 0)
    assert 2 <= cloudless.sum() <= 20  # each cloud is there with probability .6
    top = images[cloudless, :, 0, 0].float() / 255
    # Half a pixel below the zenith the sky has gone at most 1 % of the way to the horizon.
    assert (top - noted["sky"][cloudless, :3]).abs().max() < 0.02


def test_an_absent_tree_is_noted_as_zero_and_a_present_one_has_a_size() -> None:
    _, noted = render_scenes(0, range(40), 8)
    tree = noted["tree"]
    absent = tree[:, 1] == 0
    assert 0 < absent.sum() < 40
    assert (tree[absent] == 0).all()
    assert (tree[~absent, 1] >= 0.22).all()
