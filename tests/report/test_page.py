"""The page as a whole: it opens alone, says what the records say."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest
from scipy.stats import binomtest

from eyechart.files.storage import RUN_FILE, read_run, write_record
from eyechart.report.page import SECTIONS, write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


# --------------------------------------------------------------------------------------------- the page opens alone


def test_opens_without_any_request(page: Any) -> None:
    assert not page.open_tags, "tags that nothing closes"
    outside = [address for address in page.addresses if re.match(r"(?:\w+:)?//", address)]
    assert outside == []
    assert not re.search(r'url\((?!#)|@import|<link(?! rel="icon" href="data:,">)', page.source)
    assert "fetch(" not in page.source
    assert "XMLHttpRequest" not in page.source


def test_is_small(report: Path) -> None:
    assert report.stat().st_size < 1_500_000


def test_ids_are_unique_and_inner_links_lead_somewhere(page: Any) -> None:
    assert len(page.ids) == len(set(page.ids))
    inner = {address[1:] for address in page.addresses if address.startswith("#")}
    assert inner <= set(page.ids)


def test_links_lead_to_the_run_files_and_figures(page: Any, report: Path, five_runs: list[Path]) -> None:
    outer = {unquote(a) for a in page.addresses if not a.startswith(("#", "data:"))}
    for address in outer:
        assert (report.parent / address).is_file(), address
    assert {f"five/{run.name}/{RUN_FILE}" for run in five_runs} <= outer
    assert {Path(a).suffix for a in outer} == {".json", ".svg", ".png", ".md"}


def test_sections_stand_in_order(report: Path) -> None:
    found = re.findall(r'<section id="(\w+)"', report.read_text())
    assert found == ["answer", *(section.anchor for section in SECTIONS if section.anchor in found)]
    assert {"answer", "leaderboard", "verdicts", "cost", "learning", "disagreement", "making"} <= set(found)


def test_torch_is_never_imported(five_runs: list[Path], tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from eyechart.report.page import write_report; "
        "write_report([Path(p) for p in sys.argv[2:]], Path(sys.argv[1])); sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "report.html"), *map(str, five_runs[:1])]
    assert subprocess.run(command, check=False).returncode == 0


# --------------------------------------------------------------------------------------------- it says what they say


def test_numbers_equal_the_records(page: Any, five_runs: list[Path]) -> None:
    quality, cost = page.rows(), page.rows(1)
    for record in map(read_run, five_runs):
        test, run_cost = record.test, record.cost
        expected = [test.accuracy, test.macro_precision, test.macro_recall, test.macro_f1]
        assert quality[record.contender][4:8] == [f"{100 * value:.2f} %" for value in expected]
        assert quality[record.contender][8] == f"{test.loss:.4f}"
        assert quality[record.contender][9] == f"{test.raw_loss:.4f}"
        assert quality[record.contender][10] == f"{record.clocks.training_seconds:.1f} s"
        assert cost[record.contender][10] == f"{round(run_cost.inference_images_per_second, -1):,.0f}"
        assert cost[record.contender][12] == f"{100 * run_cost.mfu:.0f} %"
        assert record.command in page.text
        assert record.weights_sha256[:12] in page.text


def test_error_stands_with_its_wilson_interval(page: Any, five_runs: list[Path]) -> None:
    for record in map(read_run, five_runs):
        wrong = record.test.num_items - sum(row[i] for i, row in enumerate(record.test.confusion))
        interval = binomtest(wrong, record.test.num_items).proportion_ci(0.95, method="wilson")
        _, _, error, axis = page.rows()[record.contender][:4]
        assert float(error.removesuffix(" %")) == pytest.approx(100 * wrong / record.test.num_items, abs=0.051)
        low, high = re.findall(r"[\d.]+", axis)
        assert float(low) == pytest.approx(100 * interval.low, abs=0.051)
        assert float(high) == pytest.approx(100 * interval.high, abs=0.051)


def test_fewest_errors_come_first(page: Any, five_runs: list[Path]) -> None:
    accuracy = {record.contender: record.test.accuracy for record in map(read_run, five_runs)}
    expected = sorted(accuracy, key=lambda name: (-accuracy[name], name))
    assert list(page.rows()) == expected
    assert list(page.rows(1)) == expected


def test_pretrained_contenders_are_marked(page: Any) -> None:
    marked = {name for name, cells in page.rows().items() if "pretrained on ImageNet-1k" in cells[1]}
    assert marked == {"alexnet", "vgg16"}
    assert "alexnet (ImageNet-1k) and vgg16 (ImageNet-1k): started from weights that were trained before" in page.text


def test_figures_follow_the_theme(report: Path) -> None:
    source = report.read_text()
    drawings = re.findall(r'<div class="drawing".*?</div>', source, re.DOTALL)
    assert len(drawings) == 1 + 5 + 3 + 4 + 1 + 5 + 5
    for drawing in drawings:
        bare = re.sub(r"var\([^)]*\)", "", drawing)
        assert not re.search(r"(?:fill|stroke): #", bare), "a colour that does not turn with the theme"
        assert "DejaVu" not in drawing


def test_several_seeds_give_one_row_with_spread(fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path) -> None:
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "vit")}
    runs = fake_runs.fake_study(tmp_path / "study", two, seeds=(0, 1, 2), num_items=300)
    page = page_reader.Page(write_report(runs, tmp_path / "r.html"))
    accuracies = [read_run(run).test.accuracy for run in runs[:3]]
    mean, deviation = 100 * statistics.fmean(accuracies), 100 * statistics.stdev(accuracies)
    assert list(page.rows()) == ["cnn", "vit"]
    assert page.rows()["cnn"][4] == f"{mean:.2f} % ± {deviation:.2f} %"
    assert "3 seeds" in page.rows()["cnn"][1]


def test_times_of_runs_side_by_side_are_marked(fake_runs: ModuleType, tmp_path: Path) -> None:
    runs = fake_runs.fake_study(tmp_path / "s", with_arrays=False)
    alone = write_report(runs, tmp_path / "alone.html").read_text(encoding="utf-8")
    record = read_run(runs[0])
    beside = [segment.model_copy(update={"num_at_once": 2}) for segment in record.clocks.segments]
    clocks = record.clocks.model_copy(update={"segments": tuple(beside)})
    write_record(runs[0] / RUN_FILE, record.model_copy(update={"clocks": clocks}))
    together = write_report(runs, tmp_path / "together.html").read_text(encoding="utf-8")
    assert "‡" not in alone
    assert "‡ beside other runs of the same command" in together
    assert together.count("‡") == 8, "two tables' times of one contender, and what the mark means"


def test_contenders_of_two_studies_keep_apart(fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path) -> None:
    one = {"cnn": fake_runs.FIVE["cnn"]}
    runs = fake_runs.fake_study(tmp_path / "quick", one, num_items=200)
    runs += fake_runs.fake_study(tmp_path / "long", one, num_items=200, preset="standard")
    page = page_reader.Page(write_report(runs, tmp_path / "r.html"))
    assert set(page.rows()) == {"cnn (quick)", "cnn (long)"}
    assert "another budget than the rest" in page.text


# --------------------------------------------------------------------------------------------- in a browser


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_narrow_page_does_not_scroll_sideways(report: Path, tmp_path: Path) -> None:
    probe = "<script>document.title = `${document.documentElement.scrollWidth} of ${innerWidth}`</script></body>"
    copy = tmp_path / "copy.html"
    copy.write_text(report.read_text().replace("</body>", probe))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile", "--dump-dom"]
    command = [CHROMIUM or "", *options, "--window-size=390,800", copy.as_uri()]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout
    found = re.search(r"<title>(\d+) of (\d+)</title>", dumped)
    assert found is not None
    assert int(found[1]) <= int(found[2])
    assert dumped.count('aria-current="true"') == 1  # the script ran to its end
