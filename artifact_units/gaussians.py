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

from artifact_units.shapes import Features


@dataclass(frozen=True)
class Gaussian:
    """Mean ``[feature]``, trace of the covariance, and a root of it ``[feature, feature]``.

    root @ root.T is the covariance, which may be singular (where Cholesky finds no root).
    """

    mean: np.ndarray
    trace: float
    root: np.ndarray

    @classmethod
    def of(cls, features: Features) -> Gaussian:
        """Fitted to features, in float64."""
        given = features.numpy().astype(np.float64)
        covariance = np.atleast_2d(np.cov(given, rowvar=False))
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(values.clip(0))
        return cls(given.mean(axis=0), float(np.trace(covariance)), root)


class Resampled:
    """One set of generations beside the reals' Gaussian, and what its resamplings share."""

    def __init__(self, reals: Gaussian, generated: Features) -> None:
        images = generated.numpy().astype(np.float64)
        middle = images.mean(0)
        self.images = images - middle
        self.squares = np.einsum("if,if->i", self.images, self.images)
        self.turned = self.images @ reals.root
        self.away, self.trace = reals.mean - middle, reals.trace

    def distance(self, count: np.ndarray) -> float:
        """Frechet distance to the reals, with image i taken ``count[i]`` times."""
        drawn, total = count > 0, count.sum()
        weights = np.sqrt(count[drawn, None] / (total - 1))
        turned = weights * (self.turned[drawn] - count @ self.turned / total)
        few = len(turned) < turned.shape[1]
        side = turned @ turned.T if few else turned.T @ turned  # numpy computes a half of either
        # By torch, whose library takes three quarters of the time of numpy's.
        shared = torch.linalg.eigvalsh(torch.from_numpy(side)).clamp(min=0).sqrt().sum()
        mean = count @ self.images / total
        spread = (count @ self.squares - total * mean @ mean) / (total - 1)
        return float(np.sum((mean - self.away) ** 2) + self.trace + spread - 2 * shared)
