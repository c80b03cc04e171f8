"""Pascal VOC: one xml for each picture.  Its pixels count from 1, and xmax and ymax are the last pixels of the box.

Tools that write the format mostly count from 0 and mean the end; a box that starts at 0 anywhere says which it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from eyechart.data.annotations.found import (
    Annotated,
    Faults,
    Picture,
    best_named,
    file_in,
    named_alike,
    nearest_ones,
    number_in,
    opened,
    part_in_path,
    pictures_below,
    text_of,
)
from eyechart.data.layout import PART_OF_WORD, Part
from eyechart.data.nearby import files_near, may_hold_data
from eyechart.data.pictures import SUFFIXES
from eyechart.data.walking import walk
from eyechart.files.file_names import readable
from eyechart.files.storage import natural_key

LARGEST_BYTES = 10 * 2**20  # of one xml; entities of a hostile one could grow without end
Element = ElementTree.Element


def find(root: Path) -> list[Path]:
    """The annotation files below a folder: xml whose root is an <annotation>."""
    return [path for path in files_near(root, ".xml") if "<annotation" in _head(path)]


def _head(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(2000)
    except OSError:
        return ""


def read(root: Path, files: list[Path]) -> Annotated:
    """Raises DatasetError for anything that is wrong with the annotations, all files together."""
    faults = Faults()
    trees = {path: tree for path in files if (tree := _tree(path, faults)) is not None}
    names = {name.strip() for tree in trees.values() for each in tree.iter("object") if (name := _text(each, "name"))}
    classes = tuple(sorted(names, key=natural_key))
    boxes = [box for tree in trees.values() for box in tree.iter("bndbox")]
    counts_from_1 = all(number_in(_text(box, corner)) >= 1 for box in boxes for corner in ("xmin", "ymin"))
    listed, remarks = _listed(root, {path.stem for path in files}, faults)
    known = pictures_below(root)
    parts: dict[Part, list[Picture]] = {}
    owners: dict[Path, Path] = {}  # picture -> xml
    for path, tree in trees.items():
        picture = _picture(path, tree, known, faults)
        if picture is None:
            continue
        if (owner := owners.setdefault(picture.path, path)) != path:
            own, other = (readable(str(each.relative_to(root))) for each in (path, owner))
            faults.add(own, f"is of {readable(picture.path.name)}, as {other} is; expected one xml for each picture")
        for number, each in enumerate(tree.iter("object"), 1):
            _add(each, f"{path.name}, object {number}", picture, classes, counts_from_1, faults)
        parts.setdefault(listed.get(path.stem) or part_in_path(path, root) or "train", []).append(picture)
    faults.raise_any("Pascal VOC")
    if counts_from_1 and names:
        remarks.append("xmin and ymin are never 0: pixels are taken to count from 1, as the format has it")
    return Annotated("Pascal VOC", classes, parts, tuple(remarks))


def _tree(path: Path, faults: Faults) -> Element | None:
    content = path.read_bytes() if path.stat().st_size <= LARGEST_BYTES else b"<!ENTITY"
    if b"<!ENTITY" in content:
        faults.add(path.name, "is too large, or declares entities, which annotations have no use for")
        return None
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        faults.add(path.name, f"is no xml ({error})")
    except (ValueError, LookupError) as error:  # the parser knows a few encodings alone
        faults.add(
            path.name, f"is in an encoding that is not read ({error}); save it as UTF-8, and let its head say so"
        )
    return None


def _listed(root: Path, stems: set[str], faults: Faults) -> tuple[dict[str, Part], list[str]]:
    """Stem of an xml -> part, by ImageSets/Main/train.txt and the like, and what people should know of these lists."""
    found: dict[str, Part] = {}
    remarks, of_nothing = [], {}
    for path in sorted(_part_lists(root)):
        lines = [line.strip() for line in text_of(path).splitlines() if line.strip()]
        named = {line: next((name for name in _names_in(line) if name in stems), None) for line in lines}
        unknown = [line for line, stem in named.items() if stem is None]
        where = readable(str(path.relative_to(root)))
        if lines and len(unknown) == len(named):
            of_nothing[where] = f"no line names an xml that is there, such as {lines[0]!r}"
        elif unknown:
            remarks.append(
                f"{where}: {len(unknown):,} of {len(named):,} lines name no xml that is there, such as {unknown[0]!r}"
            )
        found |= {stem: PART_OF_WORD[path.stem] for stem in named.values() if stem is not None}
    for where, told in of_nothing.items():  # a part may have no annotations, such as a published test part
        if found:
            remarks.append(f"{where}: {told}")
        else:
            faults.add(where, told)
    return found, remarks


def _part_lists(root: Path) -> Iterator[Path]:
    """The files that list the pictures of a part; those of a class are called cat_train.txt."""
    for inside in walk(root, may_hold_data):
        if f"/{inside.path}".endswith("/ImageSets/Main/"):
            files = (Path(root, inside.path, entry.name) for entry in inside.files)
            yield from (
                path for path in files if path.suffix == ".txt" and path.stem in PART_OF_WORD and path.is_file()
            )


def _names_in(line: str) -> Iterator[str]:
    """What a line may name: all of it, or its first word where it says more; tools add folders and endings."""
    for text in (line, line.split()[0]):
        name = file_in(text).name
        yield name
        if name.lower().endswith(SUFFIXES):
            yield file_in(name).stem


def _picture(path: Path, tree: Element, known: dict[str, list[Path]], faults: Faults) -> Picture | None:
    """The picture called like the xml, if one lies as near as that of its <filename>, which copies share."""
    name = _text(tree, "filename").strip() or path.stem
    own, said = known.get(path.stem, []), best_named(named_alike(name, known), name)
    if not own and not said:
        faults.add(path.name, f"the image {name!r} is not there")
        return None
    near = nearest_ones([*own, *said], path)
    file = best_named([each for each in near if each in own] or near, name)[0]
    width, height = (number_in(_text(tree, f"size/{side}")) for side in ("width", "height"))
    return opened(file, width, height, path.name, faults)  # many tools leave them 0


def _add(
    found: Element, where: str, picture: Picture, classes: tuple[str, ...], counts_from_1: bool, faults: Faults
) -> None:
    name = _text(found, "name").strip()
    if name not in classes:
        faults.add(where, "has no name")
        return
    corners = [number_in(_text(found, f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]
    if counts_from_1:
        corners[0], corners[1] = corners[0] - 1, corners[1] - 1
    checked = faults.box(where, corners, picture)
    if checked:
        picture.add(checked, classes.index(name))


def _text(element: Element, path: str) -> str:
    return element.findtext(path) or ""
