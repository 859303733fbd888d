"""Corrections: edits by layer, the search for one, and the corrected checkpoint."""
