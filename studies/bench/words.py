"""What the page says in words: how things are measured, never what came out."""

HEAD = """# Known truth: who finds the units, who repairs the image

Written by `make bench-truth`; do not edit. Plantings of each kind of defect: {seeds}; cells:
{cells}. A planting is one observation: means over seeds, 95 % intervals over seeds (Student's t)
in brackets. Of ten seeds such an interval covers .93 to .95, where nearly all seeds lie at a bound
about .88 (simulated in tests/studies/bench/test_statistics.py). Where nothing else is said,
{usual:.0%} of the labels are wrong. The domain is small and artificial (demo/README.md): it says
how methods compare where the truth is known, not what they do to LSUN."""

CEILINGS = """`artifacts`: the share of labelled generations; `area`: the median part of the image
that a defect covers. FD: Fréchet distance of held-out artifacts (`broken`) and of their clean
twins (`clean`) to generations of the clean generator at other latents, in the scene encoder;
`noise`: of two halves of these. Twins of artifacts are a selection, which is why their distance
is not 0 and why a recovery above 1 is no better than 1. The last two columns are pixel recoveries
that nobody without the truth can aim at: all true units at zero, and the ceiling, an oracle's
search over a factor and a limit for each true unit against clean images."""

REPAIR_NOTE = """*Dashed: the ceiling. Dotted: 45 dB. What recovers less than −2.2, as `one_layer`
and `sequential_max` where units leak, lies below its panel.*"""

RANKING_NOTE = """Average precision of the true units, mean over the layers that have some.
`defective_score` is the paper's, with heatmaps of the last stage; `_fine` takes those of
params.yaml (an earlier stage, of the same grid here, artifact minus normal). `oracle` is the
defective score with the true masks."""

METRICS = """Against the paper's method (`{paper}`: Algorithm 1, raw scores), by a paired sign-flip
test over seeds: **+** wins, = ties, **−** loses. The {tests} tests of a table are one family, with
a false discovery rate of 5 % (Benjamini and Hochberg); there are {tables} tables. Rows at
the paper's fixed values (three units, λ = 1) stand beside rows `_searched`: n, layers, λ and
normalisation by the same search on the same labelled generations, with the same budget. `chosen`
is the choice among eight of them, by the same cost. `_true_n` and `oracle` are told what nobody
knows. Recovery: (FD broken − FD corrected) / (FD broken − FD clean). Pixel recovery: 1 −
|corrected − clean| / |broken − clean|. The change of normal generations is against the uncorrected
ones: the median in dB (89 where nothing changed), and the share without a changed pixel.
Dissimilarity: (1 − SSIM) / 2 of corrected artifacts against their clean twins, outside the true
mask, mean of three scales, on luminance; it has no learnt weights. No metric is in the features of
the classifier that made the masks. `truncation`, `boundary` and `rejection` give other images:
only their recovery in the Fréchet distance can be read, and that of `rejection` compares another
choice of latents."""

REGRET = """The choice is made among the same fitted corrections by different costs: the product's
(artifact probability of corrected artifacts, and ten times the mean change of corrected normals),
the same by classifiers of the same labels from two other seeds, with the normals' change as
structural dissimilarity, and the artifact probability taken away per change. Ties go to the least
change, but in the last. Regret: the true pixel recovery of the best of these corrections less that
of the one chosen; mean over seeds."""

PAPERS = """One layer (`one_layer`, layer 4) and all layers 1 to 7, three units each, λ = 1. `raw`
scores, `max` and `minmax` are readings of "normalised defective scores". A raw score is an
overlap of two areas and seldom large, so the factor 1 − DS stays near 1 and little is ablated:
the harm is small and so is the repair. Divided by the maximum of its layer, the top unit of every
layer is multiplied by 0, whether or not anything is wrong in that layer; `sequential_max_late`
starts at layer 4, before which no unit is defective in any kind, so what it does better than
`sequential_max` is the harm done to healthy layers, and what it does worse than `zero_true` is
the harm done to healthy units of defective ones."""

EASY = """In `easy` and `deep` a planted unit is exactly 0 in every normal generation. Any
statistic that compares activity then finds it without looking at a mask, and holding it to the
range of normals is the same as ablating it, which is perfect by construction. In `hard` and
`leaky` its activity in normal generations is like any other unit's. A ranking that falls from the
first two to the last two won because of how the plants were made; one that stays up did not. The
average precisions:"""

HOW = """## How

    make bench-truth SEEDS=10 PAGE=docs/truth_bench.md

A cell is a kind, a seed and a rate of wrong labels: {settings.labelled} labelled generations,
{settings.reals} reals, {settings.epochs} epochs; featuremaps of {settings.collected} generations
of each label; {settings.artifacts} held-out artifacts and {settings.normals} normal generations
are corrected; random rankings are the mean of {settings.repeats}. Everything else is as in
params.yaml. Cells lie under `results/bench_truth/cells`; one that is there is not made again, and
other code or settings ask for other files. They are files and no DVC stages: as ten stages each,
they would spend as long on starting Python as on their work, and what the cells of a planting
share would go through the disk."""
