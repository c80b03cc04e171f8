"""Fifty contenders, ten seeds: every pair in every metric, in seconds.  (Equals: tests/audits/test_a_against_a.py.)"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from eyechart.comparison.compare import compare_contenders
from eyechart.comparison.contenders import Contender, ItemValues
from eyechart.files.storage import read_run
from eyechart.schema import Comparison, RunRecord
from eyechart.scoring.measures import MEASURES
from tests.comparison.fake_verdicts import made_up_run, right_but_for

NUM_CLASSES = 10


@pytest.fixture(scope="module")
def any_record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return read_run(made_up_run(tmp_path_factory.mktemp("runs") / "s", "cnn", 0, right_but_for([])))


def compared(wrong: np.ndarray, record: RunRecord) -> Comparison:
    """The comparison of contenders with answers that are wrong where `wrong`, bool (A, S, N), says so."""
    num_contenders, num_seeds, num_items = wrong.shape
    labels = np.arange(num_items) % NUM_CLASSES
    random = np.random.default_rng(0)
    contenders, values = [], {name: [] for name, measure in MEASURES.items() if measure.item_values}  # type: ignore[var-annotated]
    for contender in range(num_contenders):
        runs = {}
        for seed in range(num_seeds):
            answers = (labels + wrong[contender, seed]) % NUM_CLASSES
            probabilities = np.full((num_items, NUM_CLASSES), 0.003, np.float32)
            probabilities[np.arange(num_items), answers] = 0.97 + 0.003 * random.random(num_items)
            for name, measure in MEASURES.items():
                if measure.item_values:
                    values[name].append(measure.item_values(labels, probabilities).astype(np.float32))
            accuracy, f1, loss = (float(values[name][-1].mean()) for name in ("accuracy", "macro_f1", "loss"))
            scores = {"accuracy": accuracy, "macro_f1": f1, "loss": loss, "num_items": num_items}
            clocks = {"training_seconds": 60.0 + random.random()}
            updates = {"test": record.test.model_copy(update=scores), "clocks": record.clocks.model_copy(update=clocks)}
            runs[seed] = record.model_copy(update={**updates, "seed": seed})
        contenders.append(Contender(f"c{contender}", runs, dict.fromkeys(runs, Path())))
    rows = {(a, s): a * num_seeds + s for a in range(num_contenders) for s in range(num_seeds)}
    return compare_contenders(contenders, ItemValues(rows, {n: np.stack(v) for n, v in values.items()}, ()))


def test_a_thousand_pairs_take_seconds(any_record: RunRecord) -> None:
    """All but the 10,000 test items of the measurement in the lab log; CPU time, whatever else runs."""
    rates = np.linspace(0.01, 0.03, 50)[:, None, None]
    wrong = np.random.default_rng(0).random((50, 10, 1000)) < rates
    started = time.process_time()
    found = compared(wrong, any_record)
    assert time.process_time() - started < 60
    assert len(found.verdicts) == 4 * 50 * 49 // 2
    kinds = {verdict.kind for verdict in found.verdicts}
    assert "not shown" not in kinds, "1,225 pairs need 17 seeds before anything can be shown"


def test_a_difference_that_is_there_is_found(any_record: RunRecord) -> None:
    """The other side: the same sizes, 1 point apart, and all of them are told apart in the right order."""
    rates = np.array([0.010, 0.020, 0.030])[:, None, None]
    found = compared(np.random.default_rng(3).random((3, 10, 3000)) < rates, any_record)
    accuracy = [verdict for verdict in found.verdicts if verdict.metric == "accuracy"]
    assert [(v.first, v.second, v.kind) for v in accuracy] == [
        ("c0", "c1", "better"), ("c0", "c2", "better"), ("c1", "c2", "better"),
    ]  # fmt: skip
