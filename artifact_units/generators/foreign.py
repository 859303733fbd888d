"""Generators of the user's own: a function that builds one, and files that say how to load one.

``module:callable`` returns a ``Generator``, or a module with ``latent_dim`` and ``layers``, the
names of its submodules in forward order. A ``.yaml`` file names what to load (a checkpoint beside
it, with its sha256, or ``module:callable``), options that the checkpoint does not hold, and a class
for all images.
"""

from __future__ import annotations

import importlib
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from torch import Tensor, nn

from artifact_units.errors import UserError, did_you_mean, yaml_problem
from artifact_units.files.storage import sha256_of
from artifact_units.layers.generator import Generator, Layer

KEYS = ("generator", "sha256", "options", "class")
SUFFIXES = (".yaml", ".yml")
PASSED = rf"^<|{re.escape(__file__)}|importlib|site-packages"  # frames that are not the user's
TAKES = {
    "options": (dict | None, "keys and values"),
    "class": (int, "a whole number"),
}


def call(target: str, options: dict[str, Any]) -> Generator:
    """What ``module:callable`` returns, as a frozen ``Generator``."""
    module, _, name = target.rpartition(":")
    with _told(target):
        built = _function(target, module, name)(**options)
        if isinstance(built, nn.Module):
            return _probed(built, target)
    if not isinstance(built, Generator):
        raise UserError(f"{target}: returned a {type(built).__name__}, not a Generator or a module")
    return built


def _function(target: str, module: str, name: str) -> Any:
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # it is there, and what it imports is not
        raise UserError(f"{target}: no such file, and no module {error.name!r} to import") from None
    if not hasattr(found, name):
        raise UserError(f"{target}: no such file, and {found.__name__} has no function {name!r}")
    return getattr(found, name)


def read_description(path: Path) -> dict[str, Any]:
    """What a ``.yaml`` file says: ``generator``, ``sha256``, ``options`` and ``class``.

    A UserError where the checkpoint that it names is not the one of that sha256: whoever watches
    this file alone (the engines do) sees every change of what it stands for.
    """
    try:
        said = _yaml(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise UserError(f"{path}: {yaml_problem(error)}") from None
    except (OSError, ValueError, RecursionError) as error:  # a date of month 13, nested too deep
        raise UserError(f"{path}: not readable ({type(error).__name__})") from None
    if not isinstance(said, dict) or not isinstance(said.get("generator"), str):
        raise UserError(f"{path}: must hold `generator:`, a checkpoint or module:callable")
    for key, value in said.items():
        if key not in KEYS:
            raise UserError(f"{path}: {key!r} is not known; {did_you_mean(str(key), KEYS)}")
        kind, takes = TAKES.get(key, (object, ""))
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UserError(f"{path}: {key} is {value!r}; it takes {takes}")
    for key in said.get("options") or {}:
        if not isinstance(key, str):
            raise UserError(f"{path}: option {key!r} is no name of an option")
    beside = path.parent / said["generator"]
    if not beside.is_file() and ":" in said["generator"]:
        return said
    if not beside.is_file():
        raise UserError(f"{path}: names {said['generator']}; there is no such file beside it")
    found = sha256_of(beside)
    if said.get("sha256") != found:
        raise UserError(
            f"{path}: sha256 is {said.get('sha256', 'missing')}, that of {beside.name} is {found}; "
            "write that, if it is the checkpoint that you mean"
        )
    return said | {"generator": str(beside)}


def with_class(generator: Generator, index: int) -> Generator:
    """A generator with classes as one that always draws class ``index``."""
    if not 0 <= index < generator.classes:
        raise UserError(f"class {index} was asked for; the generator has {generator.classes}")

    def choose(_module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict]:
        chosen = torch.full((len(args[0]),), index, device=args[0].device)
        return args, {"classes": chosen} | kwargs

    generator.network.register_forward_pre_hook(choose, with_kwargs=True)
    return replace(generator, classes=0)


def _probed(network: nn.Module, target: str) -> Generator:
    """A module as a ``Generator``; one image shows its layers' sizes."""
    latent_dim, names = getattr(network, "latent_dim", None), getattr(network, "layers", None)
    if not isinstance(latent_dim, int) or not isinstance(names, list | tuple) or not names:
        raise UserError(
            f"{target}: its module needs `latent_dim` and `layers` (a list of submodule names)"
        )
    inside = dict(network.named_modules(remove_duplicate=False))
    for name in names:
        if name not in inside:
            near = did_you_mean(str(name), filter(None, inside))
            raise UserError(f"{target}: `layers` names {name!r}, which is no submodule; {near}")
    network.eval().requires_grad_(False)
    shapes: dict[str, torch.Size] = {}

    def recorder(name: str) -> Any:
        def record(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
            shapes[name] = output.shape

        return record

    handles = [inside[n].register_forward_hook(recorder(n)) for n in dict.fromkeys(names)]
    image = network(torch.zeros(1, latent_dim))
    for handle in handles:
        handle.remove()
    size = list(image.shape) if isinstance(image, Tensor) else type(image).__name__
    if size[:2] != [1, 3] or size[2:] != size[-1:] * 2:
        raise UserError(f"{target}: gives {size} of one latent; an image is [1, 3, px, px]")
    layers, inner = [], {}
    for k, name in enumerate(names, start=1):
        if len(shapes.get(name, ())) != 4:
            raise UserError(f"{target}: {name} gives no featuremaps [batch, unit, row, col]")
        _, units, height, width = shapes[name]
        layers.append(Layer(f"layer{k}", name, units, height, width))
        inner[f"layer{k}"] = name
    return Generator(network, target, tuple(layers), latent_dim, image.shape[-1], inner=inner)


def options_of(pairs: Iterable[str]) -> dict[str, Any]:
    """``["fused_scale=true"]`` -> ``{"fused_scale": True}``, values as YAML reads them."""
    out = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"option {pair!r} is not key=value")
        try:
            out[key] = _yaml(value)
        except YAMLError:
            raise UserError(f"option {pair!r} has no value that YAML can read") from None
    return out


@contextmanager
def _told(target: str) -> Iterator[None]:
    """Whatever the user's own code raises, as one line that says where."""
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [f for f in frames if not re.search(PASSED, f.filename)]
        where = f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else ""
        said = f"failed with {type(error).__name__}: {' '.join(str(error).split())}{where}"
        raise UserError(f"{target}: {said}") from None


def _yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)
