"""Every module has a test of its own name, or it is said here which test looks after it.

`src/eyechart/room/name.py` belongs to `tests/room/test_name.py`.  What stands here is too thin, or too much a part of
something else, to be tested alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "src" / "eyechart"

LOOKED_AFTER_BY = {
    "base/errors": "test_cli.py",  # exit codes, as a user meets them
    "catalog/disputed": "comparison/test_label_noise.py",
    "catalog/palette": "models/test_catalog.py",
    "catalog/presets": "catalog/test_recipes.py",
    "cli/exam": "runner/test_exam.py",
    "cli/export": "inference/test_onnx_file.py",
    "cli/inside": "runner/test_change.py",
    "cli/judge_again": "contexts/test_corruption.py",
    "cli/labels": "terminal/test_judged.py",
    "cli/lr_find": "runner/test_lr_range.py",
    "cli/paths": "cli/test_folders.py",
    "cli/pretrain": "weights/test_at_home.py",
    "cli/read": "test_cli.py",
    "cli/run": "test_cli.py",
    "cli/study": "contexts/test_pretraining.py",
    "cli/weights": "weights/test_at_home.py",
    "comparison/answers": "comparison/test_calibration.py",
    "comparison/beforehand": "comparison/test_fairness.py",
    "comparison/contenders": "comparison/test_many_pairs.py",
    "comparison/effort": "comparison/test_fairness.py",
    "comparison/findings": "comparison/test_alarms.py",
    "comparison/learning": "comparison/test_alarms.py",
    "comparison/naming": "comparison/test_fairness.py",
    "comparison/pairs": "comparison/test_compare.py",
    "comparison/questions": "contexts/test_pretraining.py",
    "comparison/stored": "comparison/test_alarms.py",
    "comparison/summaries": "comparison/test_compare.py",
    "comparison/verdicts": "comparison/test_compare.py",
    "contexts/again": "contexts/test_corruption.py",
    "contexts/catalog": "contexts/test_pretraining.py",
    "contexts/levels": "contexts/test_pretraining.py",
    "contexts/run": "contexts/test_pretraining.py",
    "data/annotations/coco": "data/annotations/test_looking.py",
    "data/annotations/found": "data/annotations/test_looking.py",
    "data/annotations/tables": "data/annotations/test_looking.py",
    "data/annotations/voc": "data/annotations/test_looking.py",
    "data/annotations/yolo": "data/annotations/test_looking.py",
    "data/archive": "data/test_idx_folder.py",
    "data/box_store": "data/test_scene_sets.py",
    "data/cached": "data/test_mnist.py",
    "data/class_folders": "data/test_layout.py",
    "data/content": "data/test_picture_store.py",
    "data/corruptions/blur": "data/corruptions/test_apply.py",
    "data/corruptions/draws": "data/corruptions/test_apply.py",
    "data/corruptions/edges": "data/corruptions/test_apply.py",
    "data/corruptions/frame": "data/corruptions/test_apply.py",
    "data/corruptions/geometry": "data/corruptions/test_apply.py",
    "data/corruptions/lines": "data/corruptions/test_apply.py",
    "data/corruptions/mnist_c": "contexts/test_corruption.py",
    "data/corruptions/noise": "data/corruptions/test_apply.py",
    "data/corruptions/overlays": "data/corruptions/test_apply.py",
    "data/corruptions/table": "data/corruptions/test_apply.py",
    "data/cut_test": "data/test_picture_rule.py",
    "data/facts": "data/test_catalog.py",
    "data/ignored": "data/test_layout.py",
    "data/ink": "data/test_boxes.py",
    "data/known": "data/test_catalog.py",
    "data/mnist_wheel": "data/test_mnist.py",
    "data/picture_pass": "data/test_picture_store.py",
    "data/picture_reader": "data/test_picture_store.py",
    "data/picture_scan": "data/test_picture_store.py",
    "data/picture_values": "data/test_pictures.py",
    "data/plain": "data/test_picture_rule.py",
    "data/regular_files": "test_file_kinds.py",
    "data/signs": "data/test_glyphs.py",
    "data/silence": "data/test_pictures.py",
    "data/skipped": "data/test_layout.py",
    "data/sklearn_digits": "data/test_catalog.py",
    "data/stratify": "data/test_splits.py",
    "data/torchvision_child": "data/test_torchvision_sets.py",
    "files/cache": "data/test_catalog.py",
    "files/file_names": "test_file_kinds.py",  # with names that only bytes can say
    "files/replacing": "study/test_folder.py",
    "inference/detections": "test_cli.py",
    "inference/predictor": "runner/test_judge.py",
    "inference/saved": "inference/test_prediction.py",
    "launch/probe": "study/test_machine.py",
    "models/classifier": "models/test_pretrained.py",
    "models/detector_options": "models/test_faster_rcnn.py",
    "models/pretrained_options": "models/test_pretrained.py",
    "models/region_networks": "models/test_faster_rcnn.py",
    "models/stages": "models/test_pretrained.py",
    "models/zoo_bodies": "models/test_zoo.py",
    "report/answer": "report/test_words.py",
    "report/axes": "report/test_figures.py",
    "report/boxes/classes": "report/test_boxes.py",
    "report/boxes/curves": "report/test_boxes.py",
    "report/boxes/found": "report/test_boxes.py",
    "report/boxes/hardest": "report/test_boxes.py",
    "report/boxes/inside": "test_scene_study.py",
    "report/boxes/losses": "report/test_boxes.py",
    "report/boxes/mistakes": "report/test_boxes.py",
    "report/boxes/opening": "report/test_boxes.py",
    "report/boxes/table": "report/test_boxes.py",
    "report/calibration": "report/test_trust.py",
    "report/charts": "report/test_figures.py",
    "report/classes": "report/test_figures.py",
    "report/compared": "report/test_synthesis.py",
    "report/change_plot": "runner/test_change.py",
    "report/context_plot": "contexts/test_pretraining.py",
    "report/context_text": "contexts/test_pretraining.py",
    "report/corruption_plot": "contexts/test_corruption.py",
    "report/corruption_text": "contexts/test_corruption.py",
    "report/disagreement": "report/test_figures.py",
    "report/entries": "report/test_words.py",
    "report/exam/chart": "runner/test_exam.py",
    "report/exam/curves": "runner/test_exam.py",
    "report/exam/files": "runner/test_exam.py",
    "report/exam/section": "runner/test_exam.py",
    "report/exam/words": "runner/test_exam.py",
    "report/fields": "report/test_french.py",
    "report/glyphs": "report/test_figures.py",
    "report/intervals": "report/test_matrix.py",
    "report/label_errors": "report/test_trust.py",
    "report/label_sheet": "terminal/test_judged.py",
    "report/leaderboard": "report/test_page.py",
    "report/learning": "report/test_figures.py",
    "report/lr_plot": "runner/test_lr_range.py",
    "report/metrics": "report/test_matrix.py",
    "report/pairs": "report/test_words.py",
    "report/section": "report/test_page.py",
    "report/synthesis/advice": "report/test_synthesis.py",
    "report/synthesis/part": "report/test_synthesis.py",
    "report/synthesis/quality": "report/test_synthesis.py",
    "report/synthesis/setting": "report/test_synthesis.py",
    "report/timing": "report/test_trust.py",
    "report/tradeoff": "report/test_claims.py",
    "runner/again": "contexts/test_corruption.py",
    "runner/contender": "test_pairing.py",
    "runner/estimate": "test_cli.py",  # --dry-run
    "runner/inside": "test_scene_study.py",
    "runner/run": "inference/test_prediction.py",  # the files of a real run
    "runner/train": "test_resume.py",
    "schema/comparison": "comparison/test_compare.py",
    "schema/contexts": "contexts/test_pretraining.py",
    "schema/contracts": "data/test_splits.py",
    "schema/data": "test_records.py",
    "schema/frozen": "base/test_plain_json.py",
    "schema/jobs": "launch/test_worker.py",
    "schema/measured": "test_records.py",
    "schema/records": "test_records.py",
    "schema/rules": "test_records.py",
    "schema/tuning": "tuning/test_search.py",
    "schema/versions": "test_versions.py",
    "scoring/average_precision": "scoring/test_box_matching.py",
    "scoring/class_means": "scoring/test_metrics.py",
    "scoring/lr_range": "runner/test_lr_range.py",
    "scoring/times": "comparison/test_timing.py",
    "study/choices": "study/test_study.py",
    "study/differences": "study/test_folder.py",
    "study/plan": "study/test_study.py",
    "study/race": "cli/test_strict.py",
    "schema/exam": "runner/test_exam.py",
    "terminal/exam": "runner/test_exam.py",
    "terminal/console": "terminal/test_grid.py",
    "terminal/detections": "comparison/test_detections.py",
    "terminal/lines": "test_nasty_names.py",
    "terminal/summaries": "cli/test_strict.py",
    "terminal/tables": "test_nasty_names.py",
    "terminal/verdicts": "cli/test_compare.py",
    "training/checkpoint": "test_resume.py",
    "training/computation": "training/test_execution.py",
    "training/pace": "runner/test_planning.py",
    "training/step": "test_resume.py",
    "tuning/find": "cli/test_tune.py",
    "tuning/sampler": "tuning/test_search.py",
    "tuning/search_folder": "tuning/test_search.py",
    "weights/catalog": "weights/test_at_home.py",
    "words/alarm_sentences": "comparison/test_finding_words.py",
    "words/class_means": "test_missing_classes.py",
    "words/finding_sentences": "comparison/test_finding_words.py",
    "words/findings": "comparison/test_finding_words.py",
    "words/metric_names": "comparison/test_verdict_words.py",
    "words/numbers": "comparison/test_number_words.py",
    "words/shared_errors": "comparison/test_agreement.py",
    "words/speech": "report/test_french.py",
    "words/verdicts": "comparison/test_verdict_words.py",
}


def modules() -> list[str]:
    files = (path for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))
    return sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in files)


def own_test(module: str) -> Path:
    *room, name = module.split("/")
    return TESTS.joinpath(*room, f"test_{name}.py")


@pytest.mark.parametrize("module", modules())
def test_somebody_looks_after_it(module: str) -> None:
    if own_test(module).is_file():
        assert module not in LOOKED_AFTER_BY, "it has a test of its own name now; take its line away"
        return
    assert module in LOOKED_AFTER_BY, f"write {own_test(module).relative_to(TESTS.parent)}, or say here who tests it"
    assert (TESTS / LOOKED_AFTER_BY[module]).is_file()


def test_nobody_looks_after_what_is_gone() -> None:
    assert not set(LOOKED_AFTER_BY) - set(modules())
