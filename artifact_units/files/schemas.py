"""The columns of every Parquet table between two stages."""

from __future__ import annotations

import pyarrow as pa

_REPEAT = ("repeat", pa.int16())  # 0, or which repeat of a seeded ranking
SCHEMAS = {
    # uint8 pixels of one image, [3, px, px] in C order; metadata: px
    "images": pa.schema([("id", pa.int64()), _REPEAT, ("image", pa.binary())]),
    "labels": pa.schema(
        [
            ("id", pa.int64()),
            ("label", pa.string()),  # artifact, normal
            ("split", pa.string()),  # train, validation, test
            ("raters", pa.int16()),
        ]
    ),
    # one generation: artifact or not, its mask, np.packbits of [px * px] in C order; metadata: px
    "truths": pa.schema(
        [
            ("id", pa.int64()),
            ("artifact", pa.bool_()),
            ("area", pa.float64()),  # part of the image that the mask covers
            ("mask", pa.binary()),
        ]
    ),
    # logits of the three classes and the native heatmap, [rows * cols]; metadata: rows, cols
    "heatmaps": pa.schema(
        [
            ("id", pa.int64()),
            ("part", pa.string()),  # labelled, heldout
            ("artifact", pa.float32()),
            ("normal", pa.float32()),
            ("real", pa.float32()),
            ("heatmap", pa.list_(pa.float32())),
        ]
    ),
    # which half-precision bit patterns occurred in a unit, and how often each; absent ones, never
    "histograms": pa.schema(
        [
            ("layer", pa.string()),  # in network order
            ("unit", pa.int32()),
            ("patterns", pa.list_(pa.uint16())),
            ("counts", pa.list_(pa.uint32())),
        ]
    ),
    # the spatial maximum of every unit of a layer in one unlabelled generation
    "maxima": pa.schema(
        [("layer", pa.string()), ("id", pa.int64()), ("maxima", pa.list_(pa.float32()))]
    ),
    "scores": pa.schema(
        [
            ("ranking", pa.string()),
            _REPEAT,
            ("layer", pa.string()),
            ("unit", pa.int32()),
            ("score", pa.float64()),
            ("rank", pa.int32()),  # 1 = most defective of its layer
            ("mean_iou", pa.float64()),  # NaN where a ranking looks at no mask
            ("chance_iou", pa.float64()),
            ("images", pa.int32()),
            ("score_low", pa.float64()),  # 95 % bootstrap interval over images
            ("score_high", pa.float64()),
        ]
    ),
    # the candidates of a correction that fit_corrections tried, in order
    "tried": pa.schema(
        [
            ("options", pa.string()),  # JSON
            ("artifacts", pa.float64()),  # mean artifact probability of corrected artifacts
            ("normals", pa.float64()),  # and of corrected normals
            ("change", pa.float64()),  # mean absolute change of those, unit range
            ("cost", pa.float64()),
            ("taken", pa.bool_()),
            ("why_not", pa.string()),  # why it could not be made; then the numbers are NaN
        ]
    ),
    # what the classifier says of each generation that fit_corrections looked at, corrected
    "costs": pa.schema(
        [
            ("id", pa.int64()),
            ("label", pa.string()),
            ("probability", pa.float64()),  # of artifact
            ("change", pa.float64()),  # mean absolute change, unit range; NaN of artifacts
        ]
    ),
    # metadata: extractor, dim
    "features": pa.schema([("id", pa.int64()), _REPEAT, ("features", pa.list_(pa.float32()))]),
    # what was measured of what (artifact_units/evaluation/measurements.py lists the metrics)
    "measurements": pa.schema(
        [
            ("correction", pa.string()),  # also clean, reference; of units: the ranking, chance
            _REPEAT,
            ("population", pa.string()),  # artifacts, normals, heldout, reference, units
            ("metric", pa.string()),
            ("value", pa.float64()),
            ("low", pa.float64()),  # 95 % bootstrap interval over images; NaN where there is none
            ("high", pa.float64()),
            ("images", pa.int32()),  # images (of units: units) measured
        ]
    ),
    # what two corrections differ by, the same images drawn of both: correction minus other
    "differences": pa.schema(
        [
            ("correction", pa.string()),
            ("other", pa.string()),
            ("population", pa.string()),
            ("metric", pa.string()),
            ("value", pa.float64()),
            ("low", pa.float64()),  # paired 95 % bootstrap interval; NaN where there is none
            ("high", pa.float64()),
            ("images", pa.int32()),
        ]
    ),
    # what raters judged of a correction (artifact_units/judging/settling.py lists the measures)
    "judged": pa.schema(
        [
            ("correction", pa.string()),
            ("rater", pa.string()),  # empty: all together
            ("kind", pa.string()),  # artifacts, normals, control, identical; empty: every kind
            ("measure", pa.string()),
            ("value", pa.float64()),
            ("low", pa.float64()),  # 95 % Wilson interval; NaN of a kappa
            ("high", pa.float64()),
            ("pairs", pa.int32()),
        ]
    ),
    # one number of a cell of studies/bench: a kind of defect, a seed, a rate of wrong labels
    "truth_bench": pa.schema(
        [
            ("kind", pa.string()),
            ("seed", pa.int32()),
            ("error", pa.float64()),
            ("method", pa.string()),
            ("metric", pa.string()),
            ("value", pa.float64()),
            ("note", pa.string()),  # what the choice without a truth fell on
        ]
    ),
    # what an edit of units does to one kind of artifacts of one half of the labelled generations
    # (artifact_units/survey/effects.py); metadata: the fields of artifact_units/survey/finding.py
    "survey": pa.schema(
        [
            ("half", pa.string()),  # screen, confirm
            ("kind", pa.string()),  # of artifact; empty: all of them
            ("proposed", pa.string()),  # unit, or the rankings that put these units first
            ("way", pa.string()),  # off, range, up
            ("units", pa.string()),  # JSON, {layer: [unit]}
            ("most", pa.int32()),  # units of one layer, at most
            ("fall", pa.float64()),  # mean, of the artifact probability of artifacts
            ("rise", pa.float64()),  # and its rise in normals
            ("moved", pa.float64()),  # mean absolute change of artifacts, unit range
            ("change", pa.float64()),  # and of normals
            ("effect", pa.float64()),  # fall - harm * change
            ("low", pa.float64()),  # its interval, of confirm; all of them hold with 95 %
            ("high", pa.float64()),
            ("gap", pa.float64()),  # artifact probability of artifacts less that of normals
            ("auc", pa.float64()),  # how often an artifact's is above a normal's
            ("artifacts", pa.int32()),
            ("normals", pa.int32()),
        ]
    ),
    # how far a correction moved one generation, against the correction none; NaN: not defined
    "changes": pa.schema(
        [
            ("id", pa.int64()),
            _REPEAT,
            ("correction", pa.string()),
            ("population", pa.string()),  # artifacts, normals
            ("inside", pa.float64()),  # mean absolute change in the mask, in the unit range
            ("outside", pa.float64()),  # and outside it
            ("psnr", pa.float64()),  # dB
            ("changed", pa.float64()),  # fraction of pixels
            ("perceptual", pa.float64()),  # ST-LPIPS, where its weights are there
            ("pixel_recovery", pa.float64()),  # where the truth is known
        ]
    ),
}
