"""Evaluation: distances, changes, agreement with the truth, intervals."""
