"""Print what a checkpoint is: its layout, its layers, what should be known of it."""

from __future__ import annotations

from pathlib import Path

import click

from steps.making.command import step

CLASS = (
    "name a .yaml file beside it that says `generator: {generator}`, its `sha256:` and `class: 0` "
    "(or another), in place of it (docs/your_own_generator.md)"
)


@step()
@click.argument("generator", type=click.Path(path_type=Path))
@click.option("--option", multiple=True, help="key=value that the file does not say; repeatable.")
def main(generator: Path, option: tuple[str, ...]) -> None:
    """Print what a checkpoint is: its layout, its layers, what should be known of it."""
    import warnings

    from artifact_units.generators import load_generator
    from artifact_units.generators.foreign import options_of

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its notes say the same
        network = load_generator(generator, **options_of(option))
    click.echo(f"{generator}: {network.layout}, {network.image_px} px")
    click.echo(f"latent {network.latent_dim}, classes {network.classes or 'none'}")
    if network.classes > 1:
        click.echo(f"note: a run draws one class: {CLASS.format(generator=generator.name)}")
    rows = [("layer", "module", "units", "grid", "")]
    for layer in network.layers:
        grid = f"{layer.height}x{layer.width}"
        off = "signed: zero is not off" if layer.signed else ""
        rows.append((layer.name, layer.module, str(layer.units), grid, off))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    for row in rows:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
    for note in network.notes:
        click.echo(f"note: {note}")


if __name__ == "__main__":
    main()
