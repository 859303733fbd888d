"""The words of this package as array shapes: an axis name stands for one size within a call."""

from __future__ import annotations

from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

Latents = Float[Tensor, "batch latent"]
Images = UInt8[Tensor, "batch 3 height width"]  # byte range, 0..255
RawImages = Float[Tensor, "batch 3 height width"]  # signed range, nominally [-1, 1]
Featuremaps = Float[Tensor, "batch unit row col"]  # the layer's own grid
Heatmaps = Float[Tensor, "batch row col"]  # real-valued, [0, 1], the classifier's grid
Masks = Bool[Tensor, "batch height width"]  # the image's pixels; True on the artifact
Logits = Float[Tensor, "batch 3"]  # artifact, normal, real; before the softmax
Features = Float[Tensor, "batch feature"]  # what an extractor says of an image
Reals = Float[Tensor, "real feature"]  # the same, of the images that a batch is compared with
PerUnit = Float[Tensor, " unit"]
Counts = Int64[Tensor, "batch unit"]
