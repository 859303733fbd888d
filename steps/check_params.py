"""Check params.yaml against its schema, before anything heavy."""

from __future__ import annotations

from pathlib import Path

import click

from steps.making.command import PATH, input_path, say, step


@step()
@input_path("params", "The parameters: params.yaml.")
@click.option("--out", type=PATH, help="File that says they were checked; always the same bytes.")
@click.option("--schema", type=PATH, help="Write the JSON schema of params.yaml here.")
def main(params: Path, out: Path | None, schema: Path | None) -> None:
    """Check params.yaml against its schema, before anything heavy."""
    import json

    from artifact_units.files.storage import write_text
    from steps.making.checks import read_params
    from steps.making.parameters import Params

    read_params(params)
    if out:
        write_text(out, '{"checked": true}\n')
    if schema:
        write_text(schema, json.dumps(Params.model_json_schema(), indent=2, sort_keys=True) + "\n")
    say(f"{params} is well-formed")


if __name__ == "__main__":
    main()
