"""Files that are no layout of this shelf, named for what they are by keys that only they have."""

from __future__ import annotations

import re
from collections.abc import Iterable

MARKS = (
    (r"synthesis\.(L\d+_\d+_\d+\.weight|input\.freqs)", "a StyleGAN3 generator (NVIDIA)"),
    (r"(style|g_mapping|mapping)\.(\d+|dense\d+|fc\d+)\.(linear|weight_orig).*", "a StyleGAN1"),
    (r"generator\.progression\.\d+\..*|(g_)?synthesis\.blocks\.\d+x\d+\..*", "a StyleGAN1"),
    (
        r"(GE?|SE?|D)\.(initial_block|net\.0\.weight|blocks\.\d+\.to_noise1\.weight)",
        "a StyleGAN2 of lucidrains' stylegan2-pytorch (another network than NVIDIA's)",
    ),
    (
        r"rgb_converters\.\d+\.weight|layers\.\d+\.conv_1\.weight|initial_block\.conv_1\..*",
        "a PGGAN of akanimax's pro_gan_pytorch (another network than Karras')",
    ),
    (r"(down|up)_blocks\.\d+\.(resnets|attentions)\..*", "a diffusion U-Net (diffusers)"),
    (
        r"(diffusion_model\.)?(input|output)_blocks\.\d+\.\d+\..*|time_embed\.0\.weight",
        "a diffusion U-Net (guided or latent diffusion)",
    ),
    (r"(encoder|decoder)\.(down|up)(_blocks)?\.\d+\..*", "an autoencoder (VAE, VQGAN)"),
    (r"constant_input\.const|style_mapping\.\d+\..*", "a StyleGAN2 in mmgeneration's names"),
    (r"b\d+\.fromrgb\.weight|final_conv\.\d+\..*|fromRGBLayers\..*", "a discriminator"),
)


def named(keys: Iterable[str]) -> str:
    """What a file is whose tensors have these dotted names; "" where nothing tells."""
    keys = list(keys)
    for pattern, name in MARKS:
        tail = re.compile(rf"(.*\.)?({pattern})")
        if any(tail.fullmatch(key) for key in keys):
            return name
    return ""
