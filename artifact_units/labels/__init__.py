"""Labels: verdicts of raters, settled and split."""
