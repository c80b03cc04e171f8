"""The documents say what is true: tables equal records, commands exist, paths exist, both languages agree."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import shlex
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main

import eyechart
from eyechart.base.errors import UsageError
from eyechart.catalog.presets import PRESETS
from eyechart.catalog.recipes import RECIPES, recipe_of
from eyechart.cli import app
from eyechart.data.known import KNOWN

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "src" / "eyechart"
READMES = ("README.md", "README.fr.md")
FIVE = ("cnn", "vit", "vgg16", "alexnet", "fasterrcnn")
DOCUMENTS = (
    *READMES,
    "CHANGELOG.md",
    "docs/cli.md",
    "docs/contexts.md",
    "docs/decisions.md",
    "docs/explain.md",
    "docs/lab-log.md",
    "docs/predict.md",
    "docs/export.md",
    "docs/robust.md",
    "docs/scale.md",
    "docs/serve.md",
    "docs/verdicts.md",
)
TREE = re.compile(r"<!-- tree -->\n```text\n(.*?)```", re.DOTALL)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
ENTRY_DATE = re.compile(r"^## (\d{4}-\d\d-\d\d): ", re.MULTILINE)


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    """A file of scripts/ as a module."""
    spec = importlib.util.spec_from_file_location(name, PROJECT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(text: str, *languages: str) -> list[str]:
    """The contents of the fenced blocks in these languages."""
    return [content for language, content in FENCE.findall(text) if language in languages]


def commands(text: str) -> list[str]:
    """Every command line of the console blocks, without its prompt and comment, in the order of the page."""
    lines = [line for block in blocks(text, "console") for line in block.splitlines()]
    return [re.sub(r"\s{2,}#.*$", "", line[2:]) for line in lines]


def spoken_commands(text: str) -> list[str]:
    """Commands inside sentences: `make check`."""
    prose = FENCE.sub("", text)
    return re.findall(r"`((?:eyechart|make) [^`]+)`", prose)


def tree_paths(text: str) -> list[str]:
    """The paths that the annotated tree names; two spaces of indent are one folder deeper."""
    found, parents = [], []
    (tree,) = TREE.findall(text)
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        parents = [*parents[:depth], line.split()[0]]
        found.append("".join(parents))
    return found


def anchors(text: str) -> set[str]:
    """Headings as the addresses that they get."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


# --------------------------------------------------------------------------------------------- tables and records


@pytest.mark.parametrize("readme", READMES)
@pytest.mark.parametrize("name", ["quick", "standard"])
def test_tables_equal_the_records(readme: str, name: str) -> None:
    tables = script("readme_tables")
    path = tables.record_path(PROJECT, name)
    assert path, f"none of {tables.RECORDS[name]} is there: measure it and commit it"
    record = tables.read_record(PROJECT, name)
    text = read(readme)
    expected = tables.with_table(text, name, tables.table(record, path, tables.READMES[readme]))
    assert text == expected, "the record changed: python scripts/readme_tables.py"
    assert set(record["results"]) == set(FIVE), "the table shows the five contenders of the core job as they come"


@pytest.mark.parametrize("readme", READMES)
def test_the_table_of_speeds_equals_the_record(readme: str) -> None:
    speeds = script("readme_speed")
    record = json.loads((PROJECT / speeds.RECORD).read_text())
    assert set(speeds.LABELS) <= set(record["results"]), "measure them: make bench"
    text = read(readme)
    expected = speeds.with_table(text, "speed", speeds.table(record, speeds.READMES[readme]))
    assert text == expected, "the record changed: python scripts/readme_speed.py"


def test_french_speeds_have_french_numbers() -> None:
    speeds = script("readme_speed")
    record = {"results": {"cnn_to_99": {"ratio": {"median": 1234.0, "min": 1.25, "max": 99.5}}, "vit_to_99": {}}}
    row = speeds.table(record, speeds.READMES["README.fr.md"]).splitlines()[-1]
    assert row.endswith("| **1\N{NARROW NO-BREAK SPACE}234** (1,25 à 99,5) |")
    assert speeds.table(record, speeds.ENGLISH).splitlines()[-1].endswith("| **1,234** (1.25 to 99.5) |")


def a_record(*accuracies: float, **extra: Any) -> dict[str, Any]:
    def spread(*values: float) -> dict[str, Any]:
        return {"mean": sum(values) / len(values), "sd": None, "values": list(values)}

    names = ("macro_precision", "macro_recall", "macro_f1")
    result = {
        "accuracy": spread(*accuracies),
        **{name: spread(*accuracies) for name in names},
        **{"loss": spread(*[0.125] * len(accuracies)), "train_seconds": spread(70.25), "total_seconds": spread(90, 31)},
        **{"num_parameters": spread(1234567.0), "images_seen": 480000, "weights": "none"},
        "seeds": list(range(len(accuracies))),
        **extra,
    }
    host = {"cpu": "Some CPU", "num_threads": 2, "device": "cpu", "versions": {"torch": "2.10"}}
    origin = {"date": "2026-01-02", "command": "make x", "commit": "abc"}
    return {"schema_version": 1, **origin, "host": host, "results": {"cnn": result}}


def test_a_row_by_hand() -> None:
    tables = script("readme_tables")
    lines = tables.table(a_record(0.99), "records/mnist-quick.json", tables.ENGLISH).splitlines()
    # Wilson, 9,900 of 10,000: (0.99 + z²/2n ± z sqrt(pq/n + z²/4n²)) / (1 + z²/n) is 98.785 to 99.177 %.
    assert lines[2] == (
        "| `cnn` | `none` | 99.00 (98.79–99.18) | 99.00 | 99.00 | 99.00 | – | 0.1250 | 70.2 s | 480,000 | 1,234,567 |"
    )
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")
    assert "Seeds: 0; 10,000 test images." in lines[4]
    assert "†" not in "".join(lines)
    assert "Some CPU, threads: 2, device: cpu, torch 2.10, commit abc ([record](records/mnist-quick.json))" in lines[6]
    assert lines[6].endswith("2 min 01 s.")


def test_of_runs_at_once_no_time_is_told() -> None:
    tables = script("readme_tables")
    text = tables.table(a_record(0.99, shared_clocks=[True]), "records/mnist.json", tables.ENGLISH)
    assert "| – | 480,000 |" in text
    assert "All runs together" not in text
    assert text.rstrip().endswith("([record](records/mnist.json)).")


def test_french_numbers_and_several_seeds() -> None:
    tables = script("readme_tables")
    boxes = {name: {"mean": 0.8125} for name in ("mean_iou", "map", "map50")}
    text = tables.table(a_record(0.98, 0.99, weights="hed", **boxes), "records/mnist.json", tables.FRENCH)
    # Student's t with one degree of freedom is 12.706; 12.706 x (1 / sqrt 2) / sqrt 2 = 6.353.
    assert "| `cnn` | `hed`† | 98,50 ± 6,35 | 98,50 ± 6,35 |" in text
    assert "| 70,2 s | 480\N{NARROW NO-BREAK SPACE}000 |" in text
    assert "Graines\N{NO-BREAK SPACE}: 0, 1\N{NO-BREAK SPACE};" in text
    assert "IoU moyenne 0,812" in text
    assert "Wilson" not in text


def test_verdicts_are_told_as_far_as_they_go() -> None:
    tables = script("readme_tables")
    kinds = [("cnn", "vit", "better", "these runs"), ("cnn", "vgg16", "better", "these runs"),
             ("vit", "vgg16", "better", "architectures"), ("cnn", "alexnet", "too few runs", "these runs")]  # fmt: skip
    verdicts = [dict(zip(("first", "second", "kind", "scope"), each, strict=True), metric="accuracy") for each in kinds]
    record = a_record(0.98, 0.99, 0.99) | {"verdicts": [*verdicts, verdicts[0] | {"metric": "loss"}]}
    english = tables.table(record, "records/x.json", tables.ENGLISH)
    assert (
        "Shown: `vit` is better than `vgg16`. By the test images alone, so of these runs and not of the architectures: "
        "`cnn` is better than `vit` and `vgg16`. Too few seeds to say: 1 of the 4 pairs.\n"
    ) in english
    french = tables.table(record, "records/x.json", tables.FRENCH)
    assert "Démontré\N{NO-BREAK SPACE}: `vit` est meilleur que `vgg16`." in french
    assert "Trop peu de graines pour conclure\N{NO-BREAK SPACE}: 1 des 4 paires." in french


def test_the_best_comes_first() -> None:
    tables = script("readme_tables")
    record = a_record(0.97)
    record["results"] |= {"vit": a_record(0.99)["results"]["cnn"]}
    rows = tables.table(record, "records/x.json", tables.ENGLISH).splitlines()[2:4]
    assert [row.split("`")[1] for row in rows] == ["vit", "cnn"]


def test_the_script_rewrites_both_readmes_and_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = script("readme_tables")
    for readme in READMES:
        (tmp_path / readme).write_text(read(readme), encoding="utf-8")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "mnist-quick.json").write_text(json.dumps(a_record(0.8)), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["readme_tables.py", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"records/mnist-standard\.json") as caught:
        tables.main()
    assert "quick" not in str(caught.value)
    assert "| 80.00 (79.20–80.77) |" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| 80,00 (79,20–80,77) |" in (tmp_path / "README.fr.md").read_text(encoding="utf-8")


def test_missing_markers_are_told() -> None:
    tables = script("readme_tables")
    with pytest.raises(SystemExit, match="<!-- table:quick -->"):
        tables.with_table("no markers here", "quick", "| a |")


@pytest.mark.parametrize("readme", READMES)
def test_scores_stand_in_the_tables_only(readme: str) -> None:
    text = re.sub(r"<!-- table:(\w+) -->.*?<!-- /table:\1 -->", "", read(readme), flags=re.DOTALL)
    assert not re.findall(r"\b[89]\d[.,]\d+\s*%", text), "a score in prose grows old; cite the table"


# --------------------------------------------------------------------------------------------- the command line


def test_the_reference_is_what_the_commands_say(tmp_path: Path) -> None:
    script("cli_reference").write_reference(tmp_path / "cli.md")
    assert read("docs/cli.md") == (tmp_path / "cli.md").read_text(encoding="utf-8"), "python scripts/cli_reference.py"


@pytest.mark.parametrize(
    "document",
    [
        *READMES,
        "docs/contexts.md",
        "docs/predict.md",
        "docs/export.md",
        "docs/explain.md",
        "docs/robust.md",
        "docs/scale.md",
        "docs/serve.md",
        "docs/verdicts.md",
        "docs/vit.md",
        "docs/lab-log.md",
        "docs/decisions.md",
        "CHANGELOG.md",
    ],
)
def test_every_command_that_is_shown_can_be_given(document: str) -> None:
    text = read(document)
    for line in commands(text) + spoken_commands(text):
        words = shlex.split(line.replace(".venv\\Scripts\\", ""))
        if words[0] == "eyechart" and len(words) > 1:
            parse_eyechart(line, words[1:])
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", read("Makefile"), re.MULTILINE), f"{line}: no such target"
            names = [word.partition("=")[0] for word in words[2:]]
            assert all(re.search(rf"^{name} \?=", read("Makefile"), re.MULTILINE) for name in names), line


def parse_eyechart(line: str, words: list[str]) -> None:
    """Fails for a command, option or name that does not exist."""
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    if not words and not line.startswith("eyechart run"):
        return  # a command named in a sentence, without its arguments
    assert not hasattr(command, "commands"), f"{line!r}: no such command"
    try:
        given = command.make_context("eyechart", list(words)).params
    except Exception as error:
        pytest.fail(f"{line!r}: {error!r}")
    assert (given.get("preset") or "quick") in PRESETS, line
    for contender in ",".join(given.get("model") or []).split(","):
        assert not contender or recipe_of(contender), line


def test_wrong_commands_would_be_noticed() -> None:
    for line in (
        "eyechart race",
        "eyechart run --epoch 3",
        "eyechart run -p fast",
        "eyechart ls --x",
        "eyechart data x",
    ):
        with pytest.raises((pytest.fail.Exception, AssertionError)):
            parse_eyechart(line, line.split()[1:])
    with pytest.raises(UsageError):
        parse_eyechart("eyechart run -m vgg", ["run", "-m", "vgg"])


def test_the_readmes_show_the_two_commands_and_every_command() -> None:
    for readme in READMES:
        text = read(readme)
        assert commands(text)[:2] == ["make run", "make test"]
        shown = "\n".join(commands(text))
        assert all(f"eyechart {name} " in shown or f"eyechart {name}\n" in shown for name in typer_names()), readme


def typer_names() -> list[str]:
    command: Any = typer.main.get_command(app)
    return list(command.commands)


def test_the_lines_of_python_fit_the_package() -> None:
    (code,) = blocks(read("README.md"), "python")
    assert len(code.splitlines()) == 5
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    (run,) = [call for call in calls if ast.unparse(call.func) == "ec.run"]
    inspect.signature(eyechart.run).bind(**{word.arg or "": ast.literal_eval(word.value) for word in run.keywords})
    used = set(re.findall(r"\bstudy\.(\w+)", code))
    assert used <= set(dir(eyechart.Study)), used


# --------------------------------------------------------------------------------------------- both languages


def test_both_readmes_have_the_same_headings_commands_and_tables() -> None:
    english, french = (read(name) for name in READMES)
    heading = re.compile(r"^(#+) ", re.MULTILINE)
    assert heading.findall(FENCE.sub("", english)) == heading.findall(FENCE.sub("", french))
    assert commands(english) == commands(french)
    assert blocks(english, "python") == blocks(french, "python")
    assert tree_paths(english) == tree_paths(french)
    for pattern in (r"^\|", r"^- ", r"^\d\. ", r"\]\((?!README)[^)#]+\)"):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (english, french)]
        assert counts[0] == counts[1], f"{pattern}: {counts}"


def test_both_readmes_name_the_same_things() -> None:
    """What stands between backticks is code, and code is not translated."""
    english, french = (set(re.findall(r"`([^`\n]+)`", FENCE.sub("", read(name)))) for name in READMES)
    assert english == french, english ^ french


# --------------------------------------------------------------------------------------------- paths and names


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_pictures_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", FENCE.sub("", read(document))):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (PROJECT / document).parent / path if path else PROJECT / document
        assert file.exists(), f"{document} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{document}: no heading for #{anchor}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_in_sentences_exist(document: str) -> None:
    spoken = re.findall(r"`((?:src|tests|docs|scripts|records)/[^`\s<>*]*)`", read(document))
    assert all((PROJECT / path).exists() for path in spoken), [p for p in spoken if not (PROJECT / p).exists()]


@pytest.mark.parametrize("readme", READMES)
def test_the_tree_is_the_tree(readme: str) -> None:
    named = tree_paths(read(readme))
    assert not [path for path in named if not (PROJECT / path).exists()], "the tree names what is not there"
    there = [path for path in PACKAGE.iterdir() if path.name != "__pycache__" and not path.name.startswith(".")]
    missing = {f"src/eyechart/{path.name}{'/' if path.is_dir() else ''}" for path in there} - set(named)
    assert not missing, f"the tree does not name {sorted(missing)}"
    missing = {f"scripts/{path.name}" for path in (PROJECT / "scripts").glob("*.py")} - set(named)
    assert not missing, f"the tree does not name {sorted(missing)}"


@pytest.mark.parametrize("readme", READMES)
def test_variables_are_those_that_the_code_reads(readme: str) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    variable = re.compile(r"\bEYECHART_[A-Z_]+")
    assert set(variable.findall(read(readme))) == set(variable.findall(code))


@pytest.mark.parametrize("readme", READMES)
def test_datasets_contenders_and_presets_are_named(readme: str) -> None:
    text = read(readme)
    licences = text[text.index("## Licences") :]
    assert all(f"| `{name}` |" in licences for name in KNOWN), "every dataset's licence belongs into the last table"
    assert not [name for name in (*FIVE, *PRESETS) if f"`{name}`" not in text]


def test_licences_are_those_of_the_cards() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]+ \| ([^|]+) \|$", read("README.md"), re.MULTILINE)
    terms = dict(rows)
    assert not [name for name, known in KNOWN.items() if not terms[name].startswith(known.licence)]


# --------------------------------------------------------------------------------------------- logs


def test_decisions_have_five_lines_newest_first() -> None:
    text = read("docs/decisions.md")
    dates = ENTRY_DATE.findall(text)
    assert dates == sorted(dates, reverse=True)
    for entry in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, *lines = [line for line in entry.splitlines() if line]
        assert [line.split(":")[0] for line in lines] == [
            "- Question", "- Choice", "- Why", "- Given up", "- Revisit when"
        ], title  # fmt: skip


def test_the_lab_log_is_in_order_and_holds_what_recipes_cite() -> None:
    text = read("docs/lab-log.md")
    dates = ENTRY_DATE.findall(text)
    assert dates
    assert dates == sorted(dates)
    for name, recipe in RECIPES.items():
        for topic in re.findall(r"docs/lab-log\.md, ([\w -]+)", recipe.source):
            assert re.search(rf"^## .*{re.escape(topic)}", text, re.MULTILINE | re.IGNORECASE), (
                f"{name}: no {topic} entry"
            )


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    headings = re.findall(r"^## \[([^\]]+)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] in ("Unreleased", version)
    kinds = re.findall(r"^### (\w+)", read("CHANGELOG.md"), re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


# --------------------------------------------------------------------------------------------- code to copy


def test_the_vit_to_copy_runs_and_learns() -> None:
    """As it stands in the document; on labels that can be learned its loss falls, and it has the rungs' parameters."""
    import torch

    (code,) = blocks(read("docs/vit.md"), "python")
    code = code.replace("torch.randint(10, (256,))", "torch.arange(256) % 2").replace(
        "torch.rand(256, 1, 28, 28)", "torch.rand(256, 1, 28, 28) * (1 + torch.arange(256) % 2).view(-1, 1, 1, 1) / 2"
    )
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/vit.md", "exec"), names)
    assert min(names["losses"][-3:]) < 0.5 * names["losses"][0]
    assert names["model"](torch.rand(2, 1, 28, 28)).shape == (2, 10)
    shifts = names["shifted"](torch.ones(1, 1, 28, 28).repeat(8, 1, 1, 1))
    assert len({float(image.sum()) for image in shifts}) == 8, "each image has its own"
