"""Research that uses the product: each folder asks one question and answers it with a page."""

from artifact_units.computing import portable

portable.settle()  # before torch and NumPy are imported
