"""Read the real images, whatever they lie in, at the generator's resolution."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import ReadReals


@step(ReadReals)
@input_path("reals", "Real images: a folder (any depth), .zip, LSUN LMDB or image set.")
@output_path("out", "Folder of the image set; an id is the place in the order of the names.")
def main(reals: Path, out: Path, params: ReadReals) -> None:
    """Read the real images, whatever they lie in, at the generator's resolution."""
    from artifact_units.files.storage import whole_folder
    from artifact_units.images.containers import left_out
    from artifact_units.images.real_images import write_reals

    with whole_folder(out) as part:
        done, enlarged = write_reals(part, reals, params.px, params.crop, params.images)
    small = f", {enlarged} of them enlarged" if enlarged else ""
    others = "".join(f", {n} {suffix} left out" for suffix, n in sorted(left_out(reals).items()))
    say(f"{done} real images at {params.px} px{small}{others}")


if __name__ == "__main__":
    main()
