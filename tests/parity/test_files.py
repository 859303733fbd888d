"""Files that must be refused, with none of their payloads run, and odd ones that must load."""

from __future__ import annotations

import os
import pickle
import re
import struct
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from parity.cases import FOLDER, WHOLE, fits

from artifact_units.errors import UserError
from artifact_units.files.checkpoints import read_checkpoint, read_weights
from artifact_units.generators import load_generator

PGGAN = FOLDER / "pggan-gandissect-a" / "checkpoint.pth"
SAID = {  # what the one line must hold, by file of shared/parity/bad
    "missing_key.pth": r"layer3\.conv\.weight is missing",
    "missing_bias.pth": r"layer5\.wscale\.b is missing",
    "wrong_shape.pth": r"layer3\.conv\.weight is \[23, 24, 3, 3\]; \[24, 24, 3, 3\]",
    "inconsistent_channels.pth": r"layer4\.conv\.weight is \[24, 22, 3, 3\]",
    "extra_layer.pth": "incomplete resolution",
    "no_torgb.pth": r"output_32x32\.conv\.weight is missing",
    "nan.pth": r"layer2\.conv\.weight holds NaN",
    "int_dtype.pth": "int32",
    "not_a_tensor.pth": "a list, not a tensor",
    "rosinality_missing_noise.pt": r"convs\.1\.noise\.weight is missing",
    "unknown_layout.pth": "stylegan2-rosinality",
    "not_a_dict.pth": "a list",
    "empty.pth": "empty",
    "html.pth": "HTML",
    "lfs_pointer.pth": "git-LFS pointer",
    "bitflip.pth": "CRC",
}
AVERAGED = ("generator_smooth", "models.generator_smooth", "g_ema", "G_ema", "avgG", "G_avg")
AVERAGED += ("generator_ema", "netG_ema", "netG_EMA", "g_running", "params_ema", "ema", "Gs")
AVERAGED += ("shadow_generator.state_dict", "state_dict_ema", "emaG", "models.0.swa_model")
UNTOLD = ("generator", "models.generator", "g", "G", "netG", "netG_state_dict", "gen", "model")
UNTOLD += ("model_state_dict", "state_dict", "state_dict.generator", "models.0")
WARNED = {"genforce_no_ema.pth": "generator", "rosinality_no_ema.pt": "g"}
NOTED = {"rosinality_no_noise_buffers.pt": "seed 0"}
WHOLE_ONLY = pytest.mark.skipif(not WHOLE.is_dir(), reason="the whole golden folder is not here")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("payloads")
    monkeypatch.chdir(folder)
    yield
    assert os.listdir(folder) == []  # a payload that ran would have left a file


class Payload:
    """Unpickled without care, it makes a file."""

    def __reduce__(self):
        return os.system, ("touch PAYLOAD_RAN",)


def bad_files() -> list[Path]:
    folder = WHOLE / "bad"
    return sorted(f for f in folder.glob("*") if f.suffix != ".md") if folder.is_dir() else []


@pytest.mark.parametrize("path", bad_files(), ids=lambda path: path.name)
def test_every_bad_file_is_answered_in_one_line(path):
    if path.name in NOTED:
        assert NOTED[path.name] in " ".join(load_generator(path).notes)
    elif path.name in WARNED:
        with pytest.warns(
            UserWarning, match=f"taken: {WARNED[path.name]}; the file does not tell whether"
        ):
            load_generator(path)
    else:
        with pytest.raises(UserError, match=SAID.get(path.name)) as error:
            load_generator(path)
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)


@WHOLE_ONLY
@pytest.mark.parametrize("path", sorted((WHOLE / "edge").glob("*.pt*")), ids=lambda path: path.name)
def test_every_edge_file_draws_what_its_case_expects(path):
    family, layout = ("stylegan2", "rosinality")
    if not path.name.startswith("rosinality"):
        family, layout = "pggan", path.name.split("_")[0]
    case = WHOLE / f"{family}-{layout}-a"
    latents = torch.from_numpy(np.load(case / "inputs.npz")["z"]).flatten(1)
    wanted = torch.from_numpy(np.load(case / "expected.npz")["image"])
    with torch.inference_mode():
        image = load_generator(path)(latents)
    if "half" in path.name:  # the weights themselves were rounded to 11 bits
        assert torch.allclose(image, wanted, atol=0.02)
    else:
        assert fits(image, wanted)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_a_torch_file_with_a_payload_is_refused_by_the_name_it_asks_for(tmp_path, legacy):
    path = tmp_path / "evil.pth"
    state = torch.load(PGGAN, weights_only=True) | {"args": Payload()}
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UserError, match=r"its pickle asks for posix\.system"):
        load_generator(path)


def test_a_pickle_with_a_payload_is_refused_by_the_name_it_asks_for(tmp_path):
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"G_ema": Payload()}))
    with pytest.raises(UserError, match=r"its pickle asks for posix\.system"):
        load_generator(tmp_path / "evil.pkl")


def test_a_payload_inside_an_allowed_name_is_refused(tmp_path):
    # torch.storage._load_from_bytes is allowed by name; what it is given must not be trusted.
    inner = pickle.dumps(Payload())
    name = b"ctorch.storage\n_load_from_bytes\n"
    argument = b"B" + struct.pack("<I", len(inner)) + inner
    (tmp_path / "evil.pkl").write_bytes(b"\x80\x03" + name + argument + b"\x85R.")
    with pytest.raises(UserError):
        load_generator(tmp_path / "evil.pkl")


def test_embedded_source_is_dropped_unread(tmp_path):
    body = pickle.dumps(SimpleNamespace(), 3)
    assert b"SimpleNamespace" in body
    meta = {"type": "class", "class_name": "G", "state": {}, "module_src": "open('RAN', 'w')"}
    call = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    argument = pickle.dumps(meta, 3)[2:-1]
    (tmp_path / "evil.pkl").write_bytes(
        b"\x80\x03}X\x05\x00\x00\x00G_ema" + call + argument + b"\x85Rs."
    )
    with pytest.raises(UserError, match="without a network"):
        load_generator(tmp_path / "evil.pkl")


def test_a_tensorflow_pickle_is_told_how_to_be_converted(tmp_path):
    (tmp_path / "tf.pkl").write_bytes(b"\x80\x03cdnnlib.tflib.network\nNetwork\n.")
    with pytest.raises(UserError, match=r"TensorFlow pickle.*legacy\.py"):
        load_generator(tmp_path / "tf.pkl")


@pytest.mark.parametrize(
    ("name", "head", "said"),
    [
        ("a.pth", b"", "0 bytes"),
        ("a.pth", b"\n <!DOCTYPE html><html>", "HTML"),
        ("a.pth", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.onnx", b"\x08\x07\x12\x07pytorch", "ONNX"),
        ("a.h5", b"\x89HDF\r\n", "HDF5"),
        ("a.pth", b"GIF89a", "no known format"),
        ("a.pth", b"PK\x03\x04 cut", "cut short"),
    ],
)
def test_what_is_no_checkpoint_is_named_by_its_first_bytes(tmp_path, name, head, said):
    (tmp_path / name).write_bytes(head)
    with pytest.raises(UserError, match=re.escape(said)):
        read_checkpoint(tmp_path / name)


def test_folders_are_no_checkpoints_and_diffusers_are_named(tmp_path):
    with pytest.raises(UserError, match="a folder, not a checkpoint"):
        read_checkpoint(tmp_path)
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(UserError, match="diffusers"):
        read_checkpoint(tmp_path)
    with pytest.raises(UserError, match="no such checkpoint"):
        read_checkpoint(tmp_path / "nothing.pth")


def test_one_flipped_bit_is_noticed(tmp_path):
    raw = bytearray(PGGAN.read_bytes())
    with zipfile.ZipFile(PGGAN) as archive:
        tensor = max(archive.infolist(), key=lambda entry: entry.file_size)
    raw[tensor.header_offset + 600] ^= 1
    (tmp_path / "flipped.pth").write_bytes(raw)
    with pytest.raises(UserError, match="does not fit its CRC"):
        load_generator(tmp_path / "flipped.pth")


def test_moving_averages_are_taken_and_what_a_file_does_not_tell_is_warned_of(tmp_path):
    average = torch.load(PGGAN, weights_only=True)
    raw = {key: tensor * 2 for key, tensor in average.items()}
    torch.save({"g": raw, "g_ema": average}, tmp_path / "both.pt")
    torch.save({"g": raw}, tmp_path / "raw.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both = load_generator(tmp_path / "both.pt")
    with pytest.warns(UserWarning, match="does not tell whether these weights are averaged"):
        only_raw = load_generator(tmp_path / "raw.pt")
    biases = [g.network.state_dict()["layer2.bias"] for g in (only_raw, both)]
    assert torch.equal(biases[0], 2 * biases[1])
    assert "taken: g;" in only_raw.notes[0]


@pytest.mark.parametrize("wrapper", [*AVERAGED, *UNTOLD])
def test_a_generator_is_found_by_whatever_name_it_is_usually_wrapped_in(tmp_path, wrapper):
    state = torch.load(PGGAN, weights_only=True)
    tree = {f"module.{key}": tensor.half() for key, tensor in state.items()}
    for key in reversed(wrapper.split(".")):
        inner = {key: tree, "discriminator": {"x": torch.ones(1)}, "epoch": 3}
        tree = [tree] if key == "0" else inner
    torch.save(tree, tmp_path / "wrapped.pth")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        generator = load_generator(tmp_path / "wrapped.pth")
    assert generator.layout == "pggan-gandissect"
    assert len(heard) == (wrapper in UNTOLD)


def test_weights_are_read_through_the_same_door(tmp_path):
    torch.save({"fc.weight": torch.ones(2)}, tmp_path / "weights.pth")
    assert read_weights(tmp_path / "weights.pth")["fc.weight"].tolist() == [1, 1]
    torch.save({"model": {"fc.weight": torch.ones(2)}}, tmp_path / "wrapped.pth")
    with pytest.raises(UserError, match="model is not a tensor"):
        read_weights(tmp_path / "wrapped.pth")
