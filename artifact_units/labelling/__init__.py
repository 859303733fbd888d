"""The labelling page: generations one by one or in a grid, keys for verdicts, several raters."""
