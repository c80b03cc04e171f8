"""`eyechart weights`: what contenders may start from."""

from __future__ import annotations

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import aloud, say

app = typer.Typer(help="Starting weights: list, show, fetch and verify them.", no_args_is_help=True)

NAME = typer.Argument(..., metavar="ARCHITECTURE:NAME", help="As `eyechart weights list` calls them.")


@app.command("list")
def list_all(as_json: bool = options.JSON) -> None:
    """Every set of weights that has a name, and whether it is on this machine."""
    from eyechart.weights.catalog import entries

    found = entries()
    if as_json:
        typer.echo(json_text([each.as_json() for each in found], indent=1))
        return
    width = max(20, *(len(each.full_name) + 1 for each in found))
    for each in found:
        where = "here" if each.is_here else f"{each.megabytes:.0f} MB to fetch"
        say(f"{each.full_name:<{width}}{where:<18}{each.origin}")
        say(f"{'':<{width + 18}}licence: {each.licence}")
    say(
        "More: `eyechart pretrain` makes them, and a contender may start from a file, as run:FOLDER from a run, or as "
        "hf:OWNER/REPOSITORY/FILE from the Hugging Face hub."
    )


@app.command()
def show(name: str = NAME, as_json: bool = options.JSON) -> None:
    """Origin, paper, licence, file, hash and preprocessing of one set of weights."""
    from eyechart.weights.catalog import entry_of

    entry = entry_of(name)
    if as_json:
        typer.echo(json_text(entry.as_json(), indent=1))
        return
    size = f", {entry.megabytes:.1f} MB" if entry.megabytes else ""  # 0: who publishes it does not say
    facts = {
        "origin": entry.origin,
        "paper": entry.paper,
        "licence": entry.licence,
        "file": f"{entry.file} ({'here' if entry.is_here else 'not here'}{size})",
        "sha256": entry.sha256,
        "pixels": entry.preprocessing,
    }
    say(entry.full_name)
    for fact, text in facts.items():
        if text:
            say(f"  {fact:<10}{text}")


@app.command()
def fetch(name: str = NAME, offline: bool = options.OFFLINE) -> None:
    """Bring weights to this machine, and check them."""
    from eyechart.weights import catalog

    found = catalog.fetch(name, offline=offline, say=aloud)
    say(f"{name} is in {catalog.entry_of(name).file}: {found.origin.description}")


@app.command()
def verify(name: str = typer.Argument(None, metavar="ARCHITECTURE:NAME", help="Default: all that are here.")) -> None:
    """Read and hash weights that are here anew.  Never uses the network."""
    from eyechart.base.errors import WeightsError, WeightsMissing
    from eyechart.weights import catalog

    names = [name] if name else [each.full_name for each in catalog.entries() if each.is_here]
    broken = []
    for each in names:
        try:
            say(f"{each}: {len(catalog.verify(each).tensors)} tensors, as they should be")
        except WeightsError as error:
            broken.append(str(error))
        except WeightsMissing:
            if name and not catalog.entry_of(name).is_here:
                raise
            file = catalog.entry_of(each).file
            broken.append(f"{file} is not what it was, or damaged. Delete it: eyechart weights fetch {each}")
    if not names:
        raise WeightsMissing("No weights are on this machine. `eyechart weights list` says what there is.")
    if broken:
        raise WeightsError(" ".join(broken))
