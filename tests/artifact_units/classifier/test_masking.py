import pytest
import torch
from small_masking import heatmaps_by

from artifact_units.errors import UserError
from artifact_units.images.image_sets import open_images, write_images


def shaded(images):
    """A masker whose answer is the image itself."""
    grey = images.float().mean(1) / 255
    return grey.flatten(1)[:, :3].log(), grey


def test_heatmaps_of_a_set_do_not_depend_on_the_batch(tmp_path):
    stream = torch.Generator().manual_seed(0)
    pixels = torch.randint(1, 256, (7, 3, 4, 4), generator=stream, dtype=torch.uint8)
    write_images(tmp_path, range(10, 17), iter([pixels]))
    images = open_images(tmp_path)
    one, four = (heatmaps_by(shaded, images, size) for size in (1, 4))
    assert one.ids.tolist() == list(range(10, 17))
    assert torch.equal(one.heatmaps, four.heatmaps)
    assert torch.equal(one.heatmaps, pixels.float().mean(1) / 255)


def test_logits_that_are_not_finite_are_refused_with_the_generation(tmp_path):
    pixels = torch.full((5, 3, 2, 2), 9, dtype=torch.uint8)
    pixels[3] = 0  # log 0
    write_images(tmp_path, range(10, 15), iter([pixels]))
    with pytest.raises(UserError, match="generation 13 are not finite"):
        heatmaps_by(shaded, open_images(tmp_path), 2)
