from __future__ import annotations

import torch

from artifact_units.files.parts import Shards
from artifact_units.images import image_sets as image_files
from artifact_units.images.extraction import feature_parts, write_features
from artifact_units.images.features import Extractor
from artifact_units.images.image_sets import open_images, write_images

PIXELS = torch.arange(5 * 3 * 4).reshape(5, 3, 2, 2).to(torch.uint8)


def test_the_parts_of_shards_make_the_very_table_of_one_process(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(image_files, "SHARD", 2)
    for name in ("a", "b"):
        write_images(tmp_path / name, range(5), iter([PIXELS]))
    sets = [open_images(tmp_path / name) for name in ("a", "b")]
    extracted = []

    def extract(images):
        extracted.append(len(images))
        return images.float().mean(dim=(2, 3))

    means = Extractor("means", 3, extract)
    write_features(tmp_path / "one.parquet", means, sets, 4, first=3)
    parts = feature_parts("two", means, sets, 4, first=3)
    assert len(parts) == 4  # 2 + 1 images of each set
    for number in range(2):
        Shards(tmp_path / "parts", (number, 2)).compute(parts)
    extracted.clear()
    write_features(tmp_path / "two.parquet", means, sets, 4, 3, tmp_path / "parts")
    assert extracted == []
    one, two = (tmp_path / name for name in ("one.parquet", "two.parquet"))
    assert one.read_bytes() == two.read_bytes()
