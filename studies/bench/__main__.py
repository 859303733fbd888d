"""Compare rankings and corrections where the truth is known, over seeds and kinds of defects."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--seeds", type=click.IntRange(1), required=True, help="Plantings of each kind.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of results.")
@click.option("--page", type=click.Path(path_type=Path), required=True, help="Page to write.")
@click.option("--workers", type=click.IntRange(1), default=2, help="Processes of one thread.")
def main(seeds: int, out: Path, page: Path, workers: int) -> None:
    """Compare rankings and corrections where the truth is known, over seeds and kinds of defects.

    What was made before is not made again.
    """
    from artifact_units.errors import UserError
    from studies.bench.grid import cells_of, make
    from studies.bench.kinds import KINDS
    from studies.bench.page import write_page

    def tell(text: str) -> None:
        click.echo(text, err=True)

    try:
        results, cpu_seconds = make(cells_of(KINDS, seeds), out, workers, tell)
        write_page(page, results, cpu_seconds)
    except UserError as error:
        raise SystemExit(f"Error: {error}") from None
    tell(f"results: {results}\npage: {page}")


if __name__ == "__main__":
    main()
