"""Units: their histograms, featuremaps and overlap with masks; evidence, scores, rankings."""
