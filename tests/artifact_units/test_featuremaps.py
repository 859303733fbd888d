from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from artifact_units.errors import UserError
from artifact_units.featuremaps import read_featuremaps, read_ids


def test_shards_are_read_one_after_the_other(tmp_path) -> None:
    for number, ids in enumerate(([4, 5], [9])):
        maps = torch.tensor(ids).half().view(-1, 1, 1, 1)
        tensors = {"ids": torch.tensor(ids), "layer1": maps}
        save_file(tensors, tmp_path / f"{number:05d}.safetensors")
    assert read_ids(tmp_path).tolist() == [4, 5, 9]
    assert read_featuremaps(tmp_path, "layer1").flatten().tolist() == [4, 5, 9]


def test_a_folder_without_shards_or_without_the_layer_is_refused(tmp_path) -> None:
    with pytest.raises(UserError, match="holds no featuremaps"):
        read_ids(tmp_path)
    save_file({"ids": torch.tensor([1])}, tmp_path / "00000.safetensors")
    with pytest.raises(UserError, match=r"layer2.*run collect_featuremaps again"):
        read_featuremaps(tmp_path, "layer2")
