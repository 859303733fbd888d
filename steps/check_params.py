"""Check params.yaml against its schema, before anything heavy."""

from __future__ import annotations

from pathlib import Path

import click

from steps.making.command import PATH, say, step

READ = click.Path(path_type=Path, exists=True)  # no input as others are: --complete may write it


@step()
@click.option("--params", type=READ, required=True, help="The parameters: params.yaml.")
@click.option("--out", type=PATH, help="File that says they were checked; always the same bytes.")
@click.option("--complete", type=PATH, help="Write every value here, defaults where none is given.")
@click.option("--schema", type=PATH, help="Write the JSON schema of params.yaml here.")
def main(params: Path, out: Path | None, complete: Path | None, schema: Path | None) -> None:
    """Check params.yaml against its schema, before anything heavy."""
    import json

    from artifact_units.files.storage import write_text
    from steps.making.checks import read_overlay, read_params
    from steps.making.overlays import written
    from steps.making.parameters import Params

    if complete:
        write_text(complete, written(read_overlay(params), params))
    else:
        read_params(params)
    if out:
        write_text(out, '{"checked": true}\n')
    if schema:
        write_text(schema, json.dumps(Params.model_json_schema(), indent=2, sort_keys=True) + "\n")
    say(
        f"{complete}: every value, of {params} and the defaults"
        if complete
        else f"{params} is well-formed"
    )


if __name__ == "__main__":
    main()
