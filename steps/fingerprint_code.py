"""Say what the code of each stage means, so that a stage rests on what it runs."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step


@step()
@input_path("params", "The parameters: they name the methods of the shelves.")
@output_path("out", "Folder: a file a stage, with the fingerprint of the code that it runs.")
def main(params: Path, out: Path) -> None:
    """Say what the code of each stage means, so that a stage rests on what it runs."""
    from artifact_units.files.storage import whole_folder, write_text
    from steps.making.stages import fingerprints

    found = fingerprints(Path(), params)
    with whole_folder(out) as part:
        for stage, fingerprint in found.items():
            write_text(part / stage, f"{fingerprint}\n")
    say(f"{len(found)} stages")


if __name__ == "__main__":
    main()
