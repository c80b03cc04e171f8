"""Tables and means of the texts beside figures."""

from __future__ import annotations

from eyechart.report.markdown import capital, mean_text, table
from eyechart.schema import Summary
from eyechart.words.speech import Speech


def summary(metric: str, mean: float, low: float | None = None, high: float | None = None) -> Summary:
    return Summary(contender="cnn", metric=metric, seeds=(0,), values=(mean,), mean=mean, low=low, high=high)


def test_figures_stand_to_the_right_and_words_to_the_left() -> None:
    assert table(["a", "b"], [["cnn", "1"]]) == "| a | b |\n| --- | ---: |\n| cnn | 1 |"
    assert table(["a", "b"], [], words=(0, 1)) == "| a | b |\n| --- | --- |"


def test_a_mean_has_its_interval_where_there_is_one() -> None:
    say, french = Speech(), Speech("fr")
    assert mean_text(summary("accuracy", 0.98214), say) == "98.21 %"
    assert mean_text(summary("accuracy", 0.98214, 0.98, 0.984), say) == "98.21 % (98.00 to 98.40 %)"
    assert mean_text(summary("loss", 0.0523, 0.05, 0.06), say) == "0.0523 (0.0500 to 0.0600)"
    assert mean_text(summary("loss", 0.0523, 0.05, 0.06), french) == "0,0523 (0,0500 à 0,0600)"
    assert mean_text(summary("training_seconds", 75.0, 74.0, 76.0), say) == "75.0", "of a time the mean alone"
    assert summary("loss", 0.05).ends == (0.05, 0.05)


def test_the_first_letter_is_large_and_the_others_stay() -> None:
    assert capital("who wins, by MNIST") == "Who wins, by MNIST"
    assert capital("") == ""
    assert capital("vit is best", but=["cnn", "vit"]) == "vit is best"
    assert capital("vitesse", but=["vit"]) == "Vitesse", "no name, though it begins like one"
