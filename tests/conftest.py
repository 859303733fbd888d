"""Every test computes on one thread and has the package's shapes checked as it runs."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from jaxtyping import install_import_hook

install_import_hook("artifact_units", "beartype.beartype")

import torch  # noqa: E402

torch.set_num_threads(1)
