"""`eyechart data`: list, fetch, verify and show datasets; list and remove what was prepared from folders of pictures.

Results go to stdout, progress to stderr.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema.contracts import Dataset

app = typer.Typer(no_args_is_help=True, help="List, fetch, verify and look at datasets.")

NOTHING_WRONG = "Nothing is wrong with it."

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never touch the network (also EYECHART_OFFLINE=1).")]
ImageSize = Annotated[int | None, typer.Option("--img-size", min=1, help="Side in pixels to which images are brought.")]


@app.command("list")
def list_datasets(as_json: AsJson = False) -> None:
    """The datasets that have a name, and whether they are on this machine already."""
    from dataclasses import asdict

    from eyechart.data.catalog import KNOWN, is_here

    entries = [{**asdict(known), "is_here": is_here(known.name)} for known in KNOWN.values()]
    if as_json:
        _print_json(entries)
        return
    for known in KNOWN.values():
        where = "here" if is_here(known.name) else f"{known.download_megabytes} MB to fetch"
        typer.echo(f"{known.name:<16}{where:<18}{known.title}")
        images = f"{known.num_train:,} train and {known.num_test:,} test images of {known.size_in_words}"
        typer.echo(f"{'':<34}{images}, {len(known.classes):,} classes; licence: {known.licence}")
    typer.echo("Any folder of class folders, or folder or zip of IDX files, works as well: give its path.")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A name of `eyechart data list`.")],
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Bring a dataset into the cache, checked by hash; repair it if it is damaged."""
    from eyechart.data import catalog
    from eyechart.files.file_names import readable

    folder = catalog.fetch(name, offline=offline, say=_say)
    if as_json:
        _print_json({"name": name, "folder": readable(str(folder)) if folder else None})
    else:
        say(f"{name} is in {folder}" if folder else f"{name} needs no download; nothing to fetch")


@app.command()
def verify(
    reference: Annotated[str, typer.Argument(metavar="NAME_OR_PATH", help="A known name, a folder or a zip.")],
    img_size: ImageSize = None,
    as_json: AsJson = False,
) -> None:
    """Hash and read everything anew, and tell what is there.  Never uses the network."""
    from eyechart.data import catalog

    facts = catalog.verify(reference, img_size=img_size, say=_say)
    if as_json:
        _print_json(facts.as_json())
    else:
        doubts = facts.doubts()
        verdict = "It can be read; look at the last lines before it is trained on." if doubts else NOTHING_WRONG
        for line in [*facts.lines(), *doubts, verdict]:
            say(line)


@app.command()
def show(
    reference: Annotated[str, typer.Argument(metavar="NAME_OR_PATH", help="A known name, a folder or a zip.")],
    output: Annotated[
        Path | None, typer.Option("--output", help="The PNG. Default: NAME-classes.png, or -corruptions, or -robust.")
    ] = None,
    corruptions: Annotated[
        bool, typer.Option("--corruptions", help="A row for each corruption of `eyechart study corruption` instead.")
    ] = False,
    robust: Annotated[
        bool, typer.Option("--robust", help="What `eyechart run --robust` makes of training images instead.")
    ] = False,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="Overwrite the PNG if it is there.")] = False,
    img_size: ImageSize = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Draw a contact sheet: a PNG with a row of images for each class, each corruption, or each robust change."""
    from eyechart.base.errors import UsageError
    from eyechart.base.fonts import remark, signs_without_font
    from eyechart.data.catalog import load_dataset
    from eyechart.files.file_names import on_disk, readable
    from eyechart.files.folder_names import folder_name_of

    if corruptions and robust:
        raise UsageError("--corruptions and --robust are two sheets; ask for one of them.")
    dataset = load_dataset(reference, img_size=img_size, offline=offline, say=_say)
    what = "corruptions" if corruptions else "robust" if robust else "classes"
    path = output or Path(on_disk(f"{folder_name_of(dataset.card.name)}-{what}.png"))
    options.check_free(path, exist_ok, "file with --output")
    _writer(what)(dataset, path)
    if told := remark(signs_without_font((dataset.card.title, *dataset.card.classes))):
        _say(told[0])
    if as_json:
        _print_json({"picture": readable(str(path)), "classes": list(dataset.card.classes)})
    else:
        say(str(path))


@app.command()
def prepared(
    remove: Annotated[Path | None, typer.Option("--remove", help="Remove what was prepared from this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """What folders of pictures have in the cache: decoded once, used by every later run, and safe to remove."""
    from eyechart.base.errors import UsageError
    from eyechart.data import picture_store
    from eyechart.files.file_names import readable

    if remove is not None and not picture_store.remove(remove):
        raise UsageError(f"Nothing was prepared from {remove}. `eyechart data prepared` lists what was.")
    folders = picture_store.prepared_folders()
    if as_json:
        _print_json(
            [{"folder": each.root, "kept_in": readable(str(each.place)), "bytes": each.num_bytes} for each in folders]
        )
        return
    for folder in folders:
        say(f"{folder.num_bytes / 1e6:>10,.1f} MB  {folder.root}  (in {folder.place})")
    if not folders:
        typer.echo("Nothing is prepared.")


def _writer(what: str) -> Callable[[Dataset, Path], None]:
    """What draws a sheet of classes, of corruptions, or of what robust recipes see."""
    if what == "corruptions":
        from eyechart.data.corruptions.sheet import write_corruption_sheet

        return write_corruption_sheet
    if what == "robust":
        from eyechart.data.mixing_sheet import write_mixing_sheet

        return write_mixing_sheet
    from eyechart.data.contact_sheet import write_contact_sheet

    return write_contact_sheet


def _say(message: str) -> None:
    say(message, err=True)


def _print_json(document: object) -> None:
    typer.echo(json_text(document, indent=1))
