from __future__ import annotations

import torch

from demo.domain.growth import PX, Growing


def grown() -> Growing:
    torch.manual_seed(0)
    return Growing()


def test_a_full_grown_network_makes_the_images_that_were_trained() -> None:
    growing = grown()
    latents = torch.randn(2, 64)
    with torch.no_grad():
        trained = growing.generate(growing.raw, latents, PX, 1.0)
        shipped = growing.network(growing.raw)(latents)
    # The package may compute a layer in another order; the images agree to rounding.
    assert (trained - shipped).abs().max() < 1e-4 * trained.abs().max()


def test_a_new_resolution_begins_as_the_lower_one_enlarged() -> None:
    growing = grown()
    latents = torch.randn(2, 64)
    with torch.no_grad():
        low = growing.generate(growing.raw, latents, 8, 1.0)
        begun = growing.generate(growing.raw, latents, 16, 0.0)
    assert torch.equal(begun, low.repeat_interleave(2, 2).repeat_interleave(2, 3))
