"""The human evaluation: pairs judged in a browser, settled into a metric."""

from __future__ import annotations

from pathlib import Path

from artifact_units.errors import UserError
from steps.making.command import input_path, output_path, say, step
from steps.making.groups import Group


@step()
@input_path("judgements", "Judgements file: one JSON line a judged pair.")
@output_path("out", "Table of shares and kappas, of all raters and of each.")
@output_path("metrics", "The numbers to look at first, JSON.")
def settle(judgements: Path, out: Path, metrics: Path) -> None:
    """Settle the judgements file into shares with intervals, agreement and controls passed."""
    from artifact_units.judging import settling
    from artifact_units.judging.judgements import latest, read_judgements

    given = latest(read_judgements(judgements))
    if not given:
        raise UserError(f"{judgements}: holds no judgement; `judge_corrections serve` adds them")
    rows = settling.settle(given)
    settling.write(out, metrics, rows)
    for rater, controls in settling.controls(rows).items():
        if failed := [name for name, passed in controls.items() if not passed]:
            say(f"{rater} did not pass the controls {', '.join(failed)}, and is counted")
    say(f"{len(given)} pairs judged by {len(settling.raters_of(given))}")


main = Group(
    "judge_corrections",
    "Judge corrections in a browser, and settle the judgements into a metric.",
    settle,
    {"serve": "steps.making.judging:serve"},
)

if __name__ == "__main__":
    main()
