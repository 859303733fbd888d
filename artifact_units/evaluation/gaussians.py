"""Gaussians fitted to features, and Frechet distances of many sets to one of them.

torch-fidelity takes a root of a product of covariances for each pair of sets. Here what concerns
the reals alone is done once, and the eigenvalues of S1 S2 come from a symmetric matrix that has the
same: of the side of the features or of the images, whichever is smaller. The distances are equal
(to 1e-9 at 2048 features); the published number stays torch-fidelity's (metrics/frechet.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from artifact_units.computing.remembered import remembered
from artifact_units.shapes import Features

BLOCK = 256  # columns of a triangle at once: more take its zeros along, fewer are slower


@dataclass(frozen=True)
class Gaussian:
    """Mean ``[feature]``, trace of the covariance, and a root of it ``[feature, feature]``.

    root @ root.T is the covariance, which may be singular; the root is a lower triangle.
    """

    mean: np.ndarray
    trace: float
    root: np.ndarray

    @classmethod
    def of(cls, features: Features) -> Gaussian:
        """Fitted to features, in float64."""
        images, mean = _centred(features)
        # Of the images, not of their covariance: Cholesky finds no root of a singular one. By
        # torch, whose library takes three quarters of the time of numpy's.
        upper = torch.linalg.qr(torch.from_numpy(images), mode="r").R.numpy()
        root = np.zeros((len(mean), len(mean)))
        root[:, : len(upper)] = upper.T / np.sqrt(len(images) - 1)
        return cls(mean, float(np.sum(root**2)), root)


@remembered
def gaussian_of(reals: Features) -> Gaussian:
    """The Gaussian of reals, with which every set and every layer is compared."""
    return Gaussian.of(reals)


def distance(reals: Gaussian, generated: Features) -> float:
    """Frechet distance of generations to the reals, for a set that is measured but once.

    Where images are many, their covariance is turned, which is less work than turning them.
    """
    if len(generated) <= len(reals.mean):
        return Resampled(reals, generated).distance(np.ones(len(generated), np.int64))
    images, mean = _centred(generated)
    covariance = images.T @ images / (len(images) - 1)
    apart = np.sum((mean - reals.mean) ** 2) + reals.trace + np.trace(covariance)
    _turn_twice(covariance, reals.root)
    return float(apart - 2 * _sum_of_roots(covariance))


class Resampled:
    """One set of generations beside the reals' Gaussian, and what its resamplings share."""

    def __init__(self, reals: Gaussian, generated: Features) -> None:
        self.images, middle = _centred(generated)
        self.squares = np.einsum("if,if->i", self.images, self.images)
        self.turned = _turned(self.images, reals.root)
        self.away, self.trace = reals.mean - middle, reals.trace

    def distance(self, count: np.ndarray) -> float:
        """Frechet distance to the reals, with image i taken ``count[i]`` times."""
        drawn, total = count > 0, count.sum()
        turned = self.turned[drawn]
        turned -= count @ self.turned / total
        turned *= np.sqrt(count[drawn, None] / (total - 1))
        few = len(turned) < turned.shape[1]
        side = turned @ turned.T if few else turned.T @ turned  # numpy computes a half of either
        mean = count @ self.images / total
        spread = (count @ self.squares - total * mean @ mean) / (total - 1)
        away = np.sum((mean - self.away) ** 2)
        return float(away + self.trace + spread - 2 * _sum_of_roots(side))


def _centred(features: Features) -> tuple[np.ndarray, np.ndarray]:
    images = features.numpy().astype(np.float64)
    mean = images.mean(axis=0)
    images -= mean
    return images, mean


def _turned(images: np.ndarray, root: np.ndarray) -> np.ndarray:
    """images @ root, without the half that is zero."""
    starts = range(0, len(root), BLOCK)
    return np.hstack([images[:, k:] @ root[k:, k : k + BLOCK] for k in starts])


def _turn_twice(covariance: np.ndarray, root: np.ndarray) -> None:
    """The lower triangle becomes that of root.T @ covariance @ root, at a quarter of the work."""
    for k in range(0, len(root), BLOCK):
        end = k + BLOCK
        covariance[k:, k:end] = covariance[k:, k:] @ root[k:, k:end]
        covariance[k:end, :end] = root[k:, k:end].T @ covariance[k:, :end]


def _sum_of_roots(side: np.ndarray) -> float:
    """Of the eigenvalues of a symmetric matrix, whose lower triangle is read."""
    return float(np.sqrt(np.linalg.eigvalsh(side).clip(0)).sum())
