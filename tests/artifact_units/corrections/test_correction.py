"""Corrections: what is made of a generation, for whom, and as text."""

from __future__ import annotations

import json

import pytest
import torch
from small_generator import smaller_generator

from artifact_units.corrections.correction import Correction, corrected, read_corrections, text_of
from artifact_units.errors import UserError
from artifact_units.images.latents import REDRAWN
from artifact_units.layers import placing
from artifact_units.layers.edits import Clip, Scale
from artifact_units.layers.latent_edits import Move, Redraw, Truncate

ABLATED = {"layer2": Scale((0, 3), (0.0, 0.0))}
IDS = [3, 4, 5, 6, 7]


@pytest.fixture
def generator():
    return smaller_generator()


def own(generator, ids) -> torch.Tensor:
    return torch.cat(list(placing.sample(generator, ids, 2)))


def made(generator, correction, classify=None) -> torch.Tensor:
    return torch.cat(list(corrected(generator, IDS, 2, correction=correction, classify=classify)))


def bright(limit: float):
    """A classifier that calls an image brighter than ``limit`` an artifact, for certain."""

    def classify(images):
        artifact = images.float().mean((1, 2, 3)) > limit
        return torch.stack([artifact * 100.0, ~artifact * 100.0, artifact * 0.0], 1)

    return classify


def with_field(name: str, value: object) -> str:
    """The text of no correction, with one field set."""
    return json.dumps([json.loads(text_of([Correction()]))[0] | {name: value}])


def test_no_correction_gives_the_generators_own_images(generator) -> None:
    assert torch.equal(made(generator, Correction()), own(generator, IDS))


def test_a_gate_corrects_what_the_classifier_calls_an_artifact_and_nothing_else(generator) -> None:
    plain, ablated = own(generator, IDS), made(generator, Correction(ABLATED))
    shades = plain.float().mean((1, 2, 3))
    limit = float(shades.median())
    found = made(generator, Correction(ABLATED, gate=0.5), bright(limit))
    wrong = shades > limit
    assert 0 < wrong.sum() < len(IDS)
    assert torch.equal(found[~wrong], plain[~wrong])
    assert (found[wrong].int() - ablated[wrong].int()).abs().max() <= 1  # another batch
    assert not torch.equal(found[wrong], plain[wrong])


def test_a_gate_without_a_classifier_is_refused(generator) -> None:
    with pytest.raises(UserError, match="needs the classifier"):
        made(generator, Correction(ABLATED, gate=0.5))


def test_what_is_rejected_is_drawn_again_until_it_is_accepted(generator) -> None:
    limit = float(own(generator, IDS).float().mean((1, 2, 3)).median())
    rejection = Correction(latent=Redraw(0.5), gate=0.5, tries=6)
    found = made(generator, rejection, bright(limit))
    for place, i in enumerate(IDS):
        tries = [i + attempt * REDRAWN for attempt in range(7)]
        images = own(generator, tries)
        kept = images.float().mean((1, 2, 3)) <= limit
        first = int(kept.int().argmax()) if kept.any() else 6
        assert (found[place].int() - images[first].int()).abs().max() <= 1


def test_an_edit_of_latents_comes_before_those_of_layers(generator) -> None:
    still = Correction(ABLATED, latent=Move((0.0,) * 8, 1.0))
    assert torch.equal(made(generator, still), made(generator, Correction(ABLATED)))
    moved = Correction(ABLATED, latent=Truncate(0.1))
    assert not torch.equal(made(generator, moved), made(generator, Correction(ABLATED)))


def test_corrections_come_back_from_their_text(tmp_path) -> None:
    corrections = [
        Correction(),
        Correction({"layer1": Clip((2,), (-0.5,), (1 / 3,))}, gate=0.25),
        Correction(latent=Redraw(0.75), gate=0.5, tries=3),
        Correction(latent=Move((0.6, 0.8), 1.5)),
    ]
    path = tmp_path / "edits.json"
    path.write_text(text_of(corrections))
    assert [read_corrections(path, repeat) for repeat in range(4)] == corrections
    with pytest.raises(UserError, match="no repeat 4; it has 4"):
        read_corrections(path, 4)


@pytest.mark.parametrize(
    ("correction", "said"),
    [
        (Correction({"layer2": Scale((99,), (0.0,))}), "layer2 has units 0 … .*; no unit 99"),
        (Correction({"layer9": Scale((0,), (0.0,))}), "layer 'layer9' is not in this generator"),
        (Correction(latent=Move((1.0,), 1.0)), "of 1 values; this generator takes 8"),
    ],
)
def test_a_correction_of_another_generator_is_refused(generator, correction, said) -> None:
    with pytest.raises(UserError, match=said):
        made(generator, correction)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "not readable as corrections"),
        ("{}", "a list over repeats"),
        ('[{"layer1": {}}]', "a correction has layers, latent, gate, tries, not layer1"),
        (
            json.dumps([{"layers": {}, "latent": {"kind": "bend"}, "gate": 0, "tries": 1}]),
            "edits.json: edit of the latent is of kind 'bend'; there is truncate, move, redraw",
        ),
        (with_field("layers", []), "edits.json: layers are no edits by layer"),
        (with_field("layers", {"layer1": []}), r"edits.json: edit of layer1 is \[\]; it takes"),
        (with_field("latent", "move"), "edit of the latent is 'move'; it takes a kind"),
        (
            with_field("latent", {"kind": "move", "direction": ["up"], "step": 1}),
            r"edit of the latent: direction is \['up'\]; it takes a list of numbers",
        ),
        (with_field("gate", "half"), "gate is 'half'; it takes a number from 0 to 1"),
        (with_field("gate", 1.5), "gate is 1.5; it takes a number from 0 to 1"),
        (with_field("tries", 0), "tries is 0; it takes a whole number, at least 1"),
        (with_field("tries", 1.5), "tries is 1.5; it takes a whole number"),
    ],
)
def test_a_text_that_is_no_correction_is_refused_in_one_line(tmp_path, text, said) -> None:
    path = tmp_path / "edits.json"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        read_corrections(path)
