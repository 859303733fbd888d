"""What costs how much, ours beside the usual way."""

from artifact_units.computing import portable

portable.settle()  # before torch and NumPy are imported
