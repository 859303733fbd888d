"""Check the values of the embedded domain, before anything heavy."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step


@step()
@input_path("params", "The parameters: demo/params.yaml.")
@output_path("out", "File that says they were checked; always the same bytes.")
def main(params: Path, out: Path) -> None:
    """Check the values of the embedded domain, before anything heavy."""
    from artifact_units.errors import UserError
    from artifact_units.files.storage import write_text
    from steps.making.checks import read_as
    from steps.making.embedded import Embedded

    planted = read_as(params, Embedded).plant_defects
    if planted.lowest > planted.highest:
        raise UserError(f"{params}: plant_defects.lowest is above plant_defects.highest")
    write_text(out, '{"checked": true}\n')
    say(f"{params} is well-formed")


if __name__ == "__main__":
    main()
