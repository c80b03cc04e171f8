"""Errors in common: counts and kappas worked by hand and by outside oracles, the ensemble, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa as cohens_kappa_oracle

from eyechart.comparison.agreement import MOST_CONTENDERS, cohens_kappa, shared_errors
from eyechart.comparison.compare import compare_runs
from eyechart.comparison.contenders import group_contenders
from eyechart.comparison.uncertainty import wilson_interval
from eyechart.files.storage import PREDICTIONS_FILE, read_run, write_record
from eyechart.schema import Comparison, Temperature
from eyechart.schema.comparison import ENSEMBLE, FEW_ERRORS, SharedErrors
from eyechart.words.shared_errors import kappa_text, told
from eyechart.words.speech import Speech
from tests.comparison.fake_verdicts import NUM_ITEMS, made_up_run, made_up_study, right_but_for
from tests.in_process import eyechart


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def study(home: Path, wrong: dict[str, range], sure: float = 0.97, seeds: tuple[int, ...] = (0,)) -> list[Path]:
    return [
        made_up_run(home, name, seed, right_but_for(items, sure)) for name, items in wrong.items() for seed in seeds
    ]


def found_in(folders: list[Path]) -> SharedErrors:
    found = shared_errors(group_contenders({folder: read_run(folder) for folder in folders}))
    assert found is not None
    return found


# --------------------------------------------------------------------------------------------- kappa


def test_kappa_by_hand(tmp_path: Path) -> None:
    """Of 400 images 40 are wrong for each, 20 for both: agreement .9, by chance .82, kappa .08 / .18."""
    (pair,) = found_in(study(tmp_path, {"cnn": range(40), "vit": range(20, 60)})).pairs
    assert pair.kappa == pytest.approx(0.08 / 0.18)
    assert (pair.both_wrong, pair.fewest_wrong) == (20, 40)
    assert pair.by_chance == pytest.approx(4)
    assert pair.low is not None
    assert pair.high is not None
    assert pair.low < pair.kappa < pair.high


def test_kappa_is_that_of_scikit_learn_and_its_interval_that_of_statsmodels(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    hard = random.random(NUM_ITEMS) < 0.25
    wrong = {name: np.flatnonzero(random.random(NUM_ITEMS) < np.where(hard, 0.7, 0.1)) for name in ("cnn", "vit")}
    (pair,) = found_in(study(tmp_path, wrong)).pairs
    errors = {name: np.isin(np.arange(NUM_ITEMS), items) for name, items in wrong.items()}
    assert pair.kappa == pytest.approx(cohen_kappa_score(errors["cnn"], errors["vit"]))
    table = [[int((errors["cnn"] == a)[errors["vit"] == b].sum()) for b in (False, True)] for a in (False, True)]
    oracle = cohens_kappa_oracle(np.array(table))
    assert (pair.low, pair.high) == pytest.approx((oracle.kappa_low, oracle.kappa_upp), abs=0.02)


def test_kappa_of_the_same_errors_of_other_ones_and_of_none(tmp_path: Path) -> None:
    wrong = {"cnn": range(40), "vit": range(40), "alexnet": range(40, 80), "vgg16": range(0)}
    kappas = {frozenset((p.first, p.second)): p for p in found_in(study(tmp_path, wrong)).pairs}
    assert kappas[frozenset(("cnn", "vit"))].kappa == pytest.approx(1)
    apart = kappas[frozenset(("cnn", "alexnet"))].kappa
    assert apart is not None
    assert apart < 0, "fewer in common than chance has it"
    assert kappas[frozenset(("cnn", "vgg16"))].kappa == pytest.approx(0)
    assert len(kappas) == 6
    (pair,) = found_in(study(tmp_path / "none", {"cnn": range(0), "vit": range(0)})).pairs
    assert pair.kappa is pair.low is pair.high is None
    assert kappa_text(pair, Speech()) == "–"
    assert np.isnan(cohens_kappa(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0]))).all()


def test_seeds_are_averaged_and_only_those_that_all_have(tmp_path: Path) -> None:
    folders = study(tmp_path, {"cnn": range(40)}, seeds=(0, 1, 2)) + study(tmp_path, {"vit": range(20, 60)})
    folders.append(made_up_run(tmp_path, "vit", 2, right_but_for(range(40))))
    found = found_in(folders)
    assert found.seeds == (0, 2)
    assert found.pairs[0].kappa == pytest.approx((0.08 / 0.18 + 1) / 2)
    assert found.all_wrong == 30


def test_a_seed_without_errors_takes_the_kappa_of_the_others_not_away(tmp_path: Path) -> None:
    folders = study(tmp_path, {"cnn": range(40), "vit": range(20, 60)})
    folders += study(tmp_path, {"cnn": range(0), "vit": range(0)}, seeds=(1,))
    (pair,) = found_in(folders).pairs
    assert pair.kappa == pytest.approx(0.08 / 0.18)
    assert pair.low is not None
    assert pair.low < pair.kappa


# --------------------------------------------------------------------------------------------- who is wrong


def test_who_is_wrong_alone_and_who_is_sure(tmp_path: Path) -> None:
    folders = study(tmp_path, {"cnn": range(30), "vit": range(10, 50)}, sure=0.97)
    folders += study(tmp_path, {"alexnet": range(20, 60)}, sure=0.5)
    found = found_in(folders)
    by_name = {each.contender: each for each in found.mistakes}
    assert (found.all_wrong, found.all_wrong_alike, found.all_sure, found.some_wrong) == (10, 10, 0, 60)
    assert (by_name["cnn"].wrong, by_name["cnn"].sure) == (30, 30)
    assert (by_name["cnn"].alone, by_name["cnn"].alone_sure) == (10, 10)
    assert (by_name["vit"].alone, by_name["alexnet"].alone, by_name["alexnet"].alone_sure) == (0, 10, 0)


def test_another_wrong_answer_is_not_the_same_one(tmp_path: Path) -> None:
    other = np.roll(right_but_for(range(20)), 1, axis=1)  # wrong on nearly all, with other classes on the first 20
    folders = [*study(tmp_path, {"cnn": range(20)}), made_up_run(tmp_path, "vit", 0, other)]
    found = found_in(folders)
    assert (found.all_wrong, found.all_wrong_alike, found.all_sure) == (20, 0, 20)


def test_certainty_is_that_after_temperature(tmp_path: Path) -> None:
    folders = study(tmp_path, {"cnn": range(30), "vit": range(30)})
    assert found_in(folders).all_sure == 30
    for folder in folders:
        record = read_run(folder)
        hot = Temperature(value=3.0, num_items=400, reason="fitted")
        write_record(folder / "run.json", record.model_copy(update={"temperature": hot}))
    assert found_in(folders).all_sure == 0


# --------------------------------------------------------------------------------------------- together


def test_two_of_three_outvote_the_third(tmp_path: Path) -> None:
    """Wrong together are two of three on 0..9 and on 40..49 alone: 20 images of 400."""
    found = found_in(study(tmp_path, {"cnn": range(30), "vit": range(20, 50), "alexnet": (*range(40, 70), 0)}))
    ensemble = found.ensemble
    num_wrong = 10 + 10 + 1  # image 0 is wrong for cnn and alexnet
    assert ensemble.accuracy == ensemble.voted == pytest.approx(1 - num_wrong / NUM_ITEMS)
    assert (ensemble.low, ensemble.high) == pytest.approx(wilson_interval(NUM_ITEMS - num_wrong, NUM_ITEMS))
    assert ensemble.best_accuracy == pytest.approx(1 - 30 / NUM_ITEMS)
    verdict = ensemble.verdict
    assert {verdict.first, verdict.second} == {ENSEMBLE, ensemble.best}
    only_best, only_ensemble = 10 + 1 - 1, 20 - 1  # of cnn, the best by name: 40..49 against 1..19
    assert ensemble.best == "cnn"
    assert verdict.difference == pytest.approx((only_ensemble - only_best) / NUM_ITEMS)
    exact = binomtest(only_best, only_best + only_ensemble).pvalue
    assert verdict.mcnemar_p == pytest.approx(exact)


def test_a_sure_one_outweighs_two_in_the_mean_and_not_in_the_vote(tmp_path: Path) -> None:
    folders = study(tmp_path, {"cnn": range(0), "vit": range(0)}, sure=0.4)
    folders += study(tmp_path, {"alexnet": range(40)}, sure=0.999)
    ensemble = found_in(folders).ensemble
    assert ensemble.voted == 1
    assert ensemble.accuracy == pytest.approx(0.9)
    assert ensemble.verdict.second == ENSEMBLE
    assert (ensemble.verdict.kind, ensemble.verdict.scope) == ("better", "these runs")


def test_a_tie_of_votes_goes_to_the_likelier_answer(tmp_path: Path) -> None:
    folders = study(tmp_path, {"cnn": range(40)}, sure=0.6) + study(tmp_path, {"vit": range(40, 80)}, sure=0.8)
    assert found_in(folders).ensemble.voted == pytest.approx(1 - 40 / NUM_ITEMS), "vit is surer wherever they differ"


def test_nine_seeds_give_a_verdict_on_architectures(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path, {"cnn": 0.1, "vit": 0.1, "alexnet": 0.1}, tuple(range(9)))
    ensemble = found_in(folders).ensemble
    assert ensemble.accuracy == pytest.approx(1 - 3 * 0.1**2, abs=0.01), "two of three, independently"
    assert (ensemble.verdict.first, ensemble.verdict.kind) == (ENSEMBLE, "better")
    assert ensemble.verdict.scope == "architectures"
    assert ensemble.verdict.num_seeds == 9


# --------------------------------------------------------------------------------------------- what is left out


def test_what_cannot_be_read_or_diverged_is_left_out(tmp_path: Path) -> None:
    folders = study(tmp_path, {"cnn": range(10), "vit": range(20), "alexnet": range(30)})
    folders.append(made_up_run(tmp_path, "vgg16", 0, right_but_for(range(300)), status="diverged"))
    (folders[2] / PREDICTIONS_FILE).unlink()
    assert found_in(folders).contenders == ("cnn", "vit")
    (folders[1] / PREDICTIONS_FILE).write_bytes(b"nothing")
    assert shared_errors(group_contenders({folder: read_run(folder) for folder in folders})) is None


def test_one_contender_other_seeds_and_very_many_have_nothing_in_common(tmp_path: Path) -> None:
    alone = study(tmp_path / "a", {"cnn": range(10)})
    assert compare_runs(alone).shared_errors is None
    apart = [*study(tmp_path / "b", {"cnn": range(10)}), *study(tmp_path / "b", {"vit": range(10)}, seeds=(1,))]
    assert compare_runs(apart).shared_errors is None
    (contender,) = group_contenders({folder: read_run(folder) for folder in alone})
    assert shared_errors([contender] * (MOST_CONTENDERS + 1)) is None


# --------------------------------------------------------------------------------------------- words


def test_it_is_told_in_two_languages(tmp_path: Path) -> None:
    comparison = compare_runs(study(tmp_path, {"cnn": range(30), "vit": range(10, 50), "alexnet": range(20, 60)}))
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison
    english, french = (" | ".join(told(comparison, Speech(lang))) for lang in ("en", "fr"))
    assert english.startswith("All three are wrong on 10 of 400 test images, with the same answer on 10 of them")
    assert "Les trois se trompent ensemble sur 10 images de test sur 400" in french
    assert "the ensemble" in english
    assert "l'ensemble" in french
    assert "says little for 3 pairs" in english
    assert f"moins de {FEW_ERRORS} images (30 au minimum)" in french
    assert "(moyenne" not in french


def test_many_errors_need_no_caution(tmp_path: Path) -> None:
    comparison = compare_runs(study(tmp_path, {"cnn": range(150), "vit": range(100, 250)}))
    sentences = told(comparison, Speech())
    assert sentences[0].startswith("Both are wrong on 50 of 400")
    assert not [each for each in sentences if "says little" in each]


def test_the_terminal_and_json_have_it(tmp_path: Path) -> None:
    study(tmp_path / "s", {"cnn": range(30), "vit": range(10, 50)})
    shown = eyechart("compare", tmp_path / "s", "--lang", "fr")
    assert shown.returncode == 0, shown.stderr
    assert "erreurs communes" in shown.stdout
    assert "kappa de Cohen" in shown.stdout
    as_json = Comparison.model_validate_json(eyechart("compare", tmp_path / "s", "--json").stdout)
    assert as_json.shared_errors is not None
    assert as_json.shared_errors.all_wrong == 20
    assert "erreurs communes" not in eyechart("compare", tmp_path / "s", "--lang", "fr", "--metric", "loss").stdout
