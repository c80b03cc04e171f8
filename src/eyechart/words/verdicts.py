"""A verdict as a sentence, in English and French: what was shown, by how much, how sure, and of what.

"not shown" is never "no difference"; metrics other than the primary one are marked as exploratory; contenders that did
not start from nothing carry the name of what they were pretrained on (rule 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.scoring.measures import MEASURES
from eyechart.words.metric_names import interval_text, lead_decimals, lead_text, metric_name, shown_factor
from eyechart.words.numbers import counted, elided, number, p_value, percent, significant, spoken_list
from eyechart.words.speech import Speech, spaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import Comparison, Family, Language, Verdict


def sentence(verdict: Verdict, comparison: Comparison, lang: Language = "en") -> str:
    """ "vit is better than cnn by 0.21 points (95 % interval 0.12 to 0.30, Holm p = .004, 10 seeds)"."""
    text = _Telling(verdict, comparison, lang).sentence()
    if verdict.metric != comparison.primary:
        text = ("exploratory: " if lang == "en" else "exploratoire : ") + text
    return spaced(text) if lang == "fr" else text


def family_sentence(family: Family, comparison: Comparison, lang: Language = "en") -> str:
    """What the test over all contenders says, before any pair is looked at; empty where there was none."""
    if family.test == "none" or family.p_value is None:
        return ""
    name, p = metric_name(family.metric, lang), p_value(family.p_value, lang)
    many = number(len({s.contender for s in comparison.summaries if s.metric == family.metric}), 0, lang)
    test = {"friedman": ("Friedman", "Friedman"), "cochran": ("Cochran's Q", "Q de Cochran")}[family.test]
    if lang == "en":
        found = "not all are alike" if family.p_value < 0.05 else "that they are not all alike is not shown"
        what = f"{name} of all {many} contenders" + (" in these runs" if family.test == "cochran" else "")
        return f"{what}: {found} ({test[0]} {p})"
    found = "tous ne se valent pas" if family.p_value < 0.05 else "que tous ne se valent pas n'est pas démontré"
    what = f"{name} des {many} concurrents" + (" dans ces entraînements" if family.test == "cochran" else "")
    return spaced(f"{what} : {found} ({test[1]} {p})")


def comparable(verdicts: Sequence[Verdict], comparison: Comparison) -> list[Verdict]:
    """Without the pairs of which both sides diverged with every seed: two guesses are level, which says nothing."""
    return [each for each in verdicts if not {each.first, each.second} <= set(comparison.diverged)]


def diverged_sentence(comparison: Comparison, lang: Language = "en") -> str:
    """Who cannot be compared with whom, once; empty where at most one contender failed altogether."""
    if len(comparison.diverged) < 2:
        return ""
    names = spoken_list(comparison.diverged, lang)
    if lang == "en":
        return f"{names} diverged with every seed, so none of them can be compared with another"
    return spaced(f"{names} ont divergé avec chaque graine ; aucun ne peut être comparé à un autre")


def marked(contender: str, comparison: Comparison, lang: Language = "en") -> str:
    """The contender's name, and what it was pretrained on."""
    origin = comparison.pretrained.get(contender)
    if not origin:
        return contender
    return f"{contender} ({'pretrained on' if lang == 'en' else 'pré-entraîné sur'} {origin})"


class _Telling:
    """One verdict in one language."""

    def __init__(self, verdict: Verdict, comparison: Comparison, lang: Language):
        self.verdict, self.lang, self.say = verdict, lang, Speech(lang)
        self.measure = MEASURES[verdict.metric]
        self.first = marked(verdict.first, comparison, lang)
        self.second = marked(verdict.second, comparison, lang)

    def sentence(self) -> str:
        kind, is_of_runs = self.verdict.kind, self.verdict.scope == "these runs"
        if kind == "better":
            return self._better_in_these_runs() if is_of_runs else f"{self._lead(is_shown=True)} ({self._certainty()})"
        if kind == "equivalent":
            return self._equivalent()
        if kind == "too few runs":
            return self._too_few()
        return self.say("not shown: ", "non démontré : ") + f"{self._lead()} ({self._certainty()}){self._needs()}"

    # ------------------------------------------------------------------------------------- kinds

    def _better_in_these_runs(self) -> str:
        seeds, told = self._seeds(), f"{self._lead(is_shown=True)} ({self._certainty()})"
        are = "is" if self.verdict.num_seeds == 1 else "are"
        return self.say(
            f"in these runs {told}; {seeds} {are} too few to say so of the architectures",
            f"dans ces entraînements, {told} ; {seeds}, c'est trop peu pour le dire des architectures",
        )

    def _equivalent(self) -> str:
        low, high = self.verdict.low90, self.verdict.high90
        assert low is not None, "what is equivalent has an interval"
        assert high is not None
        decimals = lead_decimals(self.verdict, low, high)
        within = interval_text(self.verdict, low, high, decimals, self.lang)
        sure = self.say(
            f"90 % interval {within}, {self._seeds()}", f"intervalle à 90 % de {within}, {self._seeds()}"
        )  # fmt: skip
        if self.measure.scale == "ratio":
            margin = percent(self.measure.shown(self.measure.margin) - 1, 0, self.lang)
            margin_text = self.say(f"within {margin}", f"à {margin} près")
        else:
            size = significant(shown_factor(self.verdict.metric) * self.measure.margin, 1, self.lang)
            unit = self.say(self.measure.unit, self.measure.unit.removesuffix("s"))
            margin_text = self.say(f"within ±{size} {unit}", f"à ±{size} {unit} près")
        name = metric_name(self.verdict.metric, self.lang)
        return self.say(
            f"{self.first} and {self.second} are equivalent in {name}, {margin_text}: {self._lead()} ({sure})",
            f"{self.first} et {self.second} sont équivalents en {name}, {margin_text} : {self._lead()} ({sure})",
        )

    def _too_few(self) -> str:
        needed, has_some = self.verdict.seeds_needed or 6, self.verdict.num_seeds > 0
        seeds = self._seeds() if has_some else self.say("no seed in common", "aucune graine commune")
        what = self._certainty(with_seeds=False)
        return self.say(
            f"too few runs to say ({seeds}; at least {needed} are needed): in these runs {self._lead()}",
            f"trop peu d'entraînements pour conclure ({seeds} ; il en faut au moins {needed}) : "
            f"dans ces entraînements, {self._lead()}",
        ) + (f" ({what})" if what else "")

    def _needs(self) -> str:
        """What would show a difference of this size."""
        if self.verdict.most_seeds is not None:
            return self._outlook(self.verdict.most_seeds)
        if self.verdict.difference == self.measure.shown(0.0):
            return ""
        if self.verdict.seeds_needed:
            number_text = number(self.verdict.seeds_needed, 0, self.lang)
            return self.say(
                f"; about {number_text} seeds would be needed to show a difference of this size",
                f" ; il faudrait environ {number_text} graines pour démontrer une différence de cette taille",
            )
        if self.verdict.items_needed:
            items = number(float(f"{self.verdict.items_needed:.1e}"), 0, self.lang)
            return self.say(
                f"; more seeds cannot show a difference of this size, about {items} test images would be needed",
                " ; des graines de plus ne suffiraient pas à démontrer une différence de cette taille, il faudrait "
                f"environ {items} images de test",
            )
        return self.say(
            "; neither more seeds nor more such images promise to show it",
            " ; ni plus de graines ni plus d'images de cette sorte ne promettent de la démontrer",
        )

    def _outlook(self, most: int) -> str:
        """What the seeds that are left could still do."""
        if self.verdict.is_open:
            return self.say(
                f"; still open: up to {most} seeds are planned",
                f" ; encore ouvert : jusqu'à {most} graines sont prévues",
            )
        if self.verdict.num_seeds >= most:
            return self.say("; all planned seeds are run", " ; toutes les graines prévues sont faites")
        return self.say(
            f"; cannot be decided with {most} seeds, whatever the next ones say",
            f" ; ne peut être décidé avec {most} graines, quoi que disent les suivantes",
        )

    # ------------------------------------------------------------------------------------- parts

    def _lead(self, is_shown: bool = False) -> str:
        """Who leads, by how much: as a fact ("is better than") or as what was seen ("is ahead of")."""
        verdict, first, second = self.verdict, self.first, self.second
        name = metric_name(verdict.metric, self.lang)
        if verdict.difference == self.measure.shown(0.0):
            return self.say(
                f"{first} and {second} are level in {name}", f"{first} et {second} sont à égalité en {name}"
            )
        low, high = (verdict.low90, verdict.high90) if verdict.kind == "equivalent" else (verdict.low, verdict.high)
        lead = lead_text(verdict, lead_decimals(verdict, low, high), self.lang)
        if self.measure.scale == "ratio":
            trains = self.say("trains" if is_shown else "trained", "s'entraîne" if is_shown else "s'est entraîné")
            return self.say(
                f"{first} {trains} {lead} as fast as {second}",
                f"{first} {trains} {lead} plus vite {elided('que', second)}",
            )
        if not self.measure.higher_is_better:
            has, its = self.say("has", "a") if is_shown else self.say("had", "avait"), elided("de", second)
            return self.say(
                f"{first} {has} a lower {name} than {second} by {lead}",
                f"{first} {has} une {name} inférieure de {lead} à celle {its}",
            )
        better = f"est meilleur {elided('que', second)}"
        of_what = "" if verdict.metric == "accuracy" else self.say(f" in {name}", f" en {name}")
        return self.say(
            f"{first} is {'better than' if is_shown else 'ahead of'} {second}{of_what} by {lead}",
            f"{first} {better if is_shown else f'devance {second}'}{of_what} de {lead}",
        )

    def _certainty(self, with_seeds: bool = True) -> str:
        """Interval, p and number of seeds; with few seeds the interval is of the images, and McNemar's p stands."""
        verdict, parts = self.verdict, []
        if verdict.low is not None and verdict.high is not None:
            decimals = lead_decimals(verdict, verdict.low, verdict.high)
            ends = interval_text(verdict, verdict.low, verdict.high, decimals, self.lang)
            of_images = self.say(" over test images", " sur les images de test") if verdict.num_seeds < 6 else ""
            parts.append(self.say(f"95 % interval{of_images} {ends}", f"intervalle à 95 %{of_images} de {ends}"))
        if verdict.scope == "these runs":
            if verdict.mcnemar_holm_p is not None:
                p = p_value(verdict.mcnemar_holm_p, self.lang)
                if verdict.num_seeds > 1:
                    p = self.say(f"median {p}", p.replace("p", "p médian", 1))
                parts.append(self.say(f"McNemar {p} after Holm", f"McNemar {p} après Holm"))
        elif verdict.holm_p is not None:
            p = p_value(verdict.holm_p, self.lang)
            parts.append(self.say(f"Holm {p}", f"{p} après Holm") + self._at_any_time())
            if verdict.kind != "better" and verdict.holm_p < 0.05 and (verdict.superiority or 0) < 0.75:
                share = percent(verdict.superiority or 0, 0, self.lang)
                parts.append(self.say(f"ahead in only {share} of seeds", f"devant pour {share} des graines seulement"))
        if with_seeds:
            parts.append(self._seeds())
        return ", ".join(parts)

    def _at_any_time(self) -> str:
        """Of a study that was looked at after every seed, p is another one, and says so."""
        most = self.verdict.most_seeds
        if most is None:
            return ""
        return self.say(
            f", valid at every look up to {most} seeds", f", valable à chaque regard jusqu'à {most} graines"
        )

    def _seeds(self) -> str:
        one, many = self.say("seed", "graine"), self.say("seeds", "graines")
        return counted(self.verdict.num_seeds, one, many, self.lang)
