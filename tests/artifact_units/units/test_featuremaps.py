from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from artifact_units.errors import UserError
from artifact_units.units.featuremaps import read_ids


def test_shards_are_read_one_after_the_other(tmp_path) -> None:
    for number, ids in enumerate(([4, 5], [9])):
        save_file({"ids": torch.tensor(ids)}, tmp_path / f"{number:05d}.safetensors")
    assert read_ids(tmp_path).tolist() == [4, 5, 9]


def test_a_folder_without_shards_or_without_ids_is_refused(tmp_path) -> None:
    with pytest.raises(UserError, match="holds no featuremaps"):
        read_ids(tmp_path)
    save_file({"layer1": torch.tensor([1])}, tmp_path / "00000.safetensors")
    with pytest.raises(UserError, match=r"ids.*run collect_featuremaps again"):
        read_ids(tmp_path)
