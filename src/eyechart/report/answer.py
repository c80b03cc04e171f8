"""The question, the answer with how sure it is, and what must be known before trusting it.

Only what the numbers allow: where intervals overlap, a difference is "not shown"; it is never called absent.
"""

from __future__ import annotations

from dataclasses import dataclass

from eyechart.report.entries import Entry, Run
from eyechart.report.numbers import percent, percent_decimals, percent_interval, plural, seconds, spoken_list
from eyechart.schema import Rules

NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
MOST_NAMED = 4  # contenders in a sentence


@dataclass(frozen=True)
class Answer:
    """The top of the report."""

    question: str
    sentences: tuple[str, str]  # who made the fewest errors | how sure that is
    budget: str  # the conditions, in one line


def answer(entries: list[Entry]) -> Answer:
    dataset = entries[0].first.dataset
    standing = [entry for entry in entries if not entry.diverged]
    if len(entries) == 1:
        question = f"How well does {entries[0].name} read {dataset.title}?"
    else:
        question = (
            f"Which of {number_word(len(entries))} contenders makes {_fewest(entries)} errors on {dataset.title}?"
        )
    if not standing:
        sentences = ("No contender finished.", "Every run diverged, so nothing can be said of their quality.")
    else:
        sentences = (_who_leads(standing), _how_sure(standing))
    return Answer(question, sentences, _conditions(entries))


def number_word(number: int) -> str:
    return NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else f"{number:,}"


def tied_with_leader(entries: list[Entry]) -> list[Entry]:
    """The contenders after the first whose interval overlaps the first one's."""
    standing = [entry for entry in entries if not entry.diverged]
    return [entry for entry in standing[1:] if entry.error.overlaps(standing[0].error)]


def described_error(entry: Entry) -> str:
    """ "0.63 % (95 % interval 0.50 to 0.81 %)"."""
    error = entry.error
    return f"{percent(error.mean, percent_decimals(error.low, error.high))} (95 % interval {interval_text(entry)})"


def interval_text(entry: Entry) -> str:
    return percent_interval(entry.error.low, entry.error.high)


def _who_leads(standing: list[Entry]) -> str:
    leader = standing[0]
    num_items = leader.first.test.num_items
    of_what = f"of {num_items:,} test images"
    start = (
        f", having started from weights trained on {leader.first.weights.pretrained_on},"
        if is_pretrained(leader)
        else ""
    )
    if len(standing) == 1:
        return f"{leader.name}{start} got {described_error(leader)} {of_what} wrong."
    level = [entry.name for entry in standing if entry.error.mean == leader.error.mean]
    if len(level) > 1:
        return f"{spoken_list(level)} made equally few errors: {described_error(leader)} {of_what}."
    return f"{leader.name}{start} made {_fewest(standing)} errors: {described_error(leader)} {of_what}."


def _fewest(entries: list[Entry]) -> str:
    return "fewer" if len(entries) == 2 else "the fewest"


def _how_sure(standing: list[Entry]) -> str:
    leader, tied = standing[0], tied_with_leader(standing)
    if len(standing) == 1:
        return _what_the_interval_covers(leader)
    if not tied:
        second = standing[1]
        lead = f"Its interval lies below all others, next is {second.name} with {described_error(second)}; "
        return lead + _what_it_holds_for(standing)
    return _what_is_not_shown(leader, tied) + _what_lies_above(len(standing) - 1 - len(tied))


def _what_is_not_shown(leader: Entry, tied: list[Entry]) -> str:
    level = [entry for entry in tied if entry.error.mean == leader.error.mean]
    if level:
        return "Which of them is better is not shown."
    names = spoken_list([entry.name for entry in tied])
    if len(tied) > MOST_NAMED:
        names = f"{number_word(len(tied))} others"
    return f"That it is better than {names} is not shown: their intervals overlap."


def _what_lies_above(number: int) -> str:
    if number == 0:
        return ""
    return (
        " The interval of the other one lies above."
        if number == 1
        else (f" The intervals of the other {number_word(number)} lie above.")
    )


def _what_it_holds_for(standing: list[Entry]) -> str:
    if min(len(entry.judged) for entry in standing) == 1:
        return "with one seed this holds for these trained models, not yet for their architectures."
    return f"over {_seeds_text(standing)} of each."


def _what_the_interval_covers(entry: Entry) -> str:
    if len(entry.judged) == 1:
        return "The interval covers other test images of the same kind, not what another seed would change."
    num_seeds = plural(len(entry.judged), "seed")
    return f"The interval covers how much training varies over {num_seeds}, on the same test images."


def _seeds_text(entries: list[Entry]) -> str:
    numbers = sorted({len(entry.judged) for entry in entries})
    return plural(numbers[0], "seed") if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]} seeds"


def is_pretrained(entry: Entry) -> bool:
    return bool(entry.first.weights.pretrained_on)


def _conditions(entries: list[Entry]) -> str:
    rules = {run.record.rules for run in runs_of(entries)}
    num_runs = sum(len(entry.runs) for entry in entries)
    parts = [
        plural(num_runs, "run"),
        f"{_seeds_text(entries)} a contender",
        plural(entries[0].first.splits.num_train, "training image"),
    ]
    if len(rules) == 1:
        parts.append(described_budget(next(iter(rules))))
        parts.append(f"preset {next(iter(rules)).preset}")
    return " · ".join(parts)


def described_budget(rules: Rules) -> str:
    """The budget that was the same for all, in words."""
    if rules.budget is None:
        return "each recipe's own full schedule"
    if rules.budget.unit == "seconds":
        return f"{seconds(rules.budget.amount).replace('.0 s', ' s')} of training each"
    return f"{rules.budget.amount:,g} {rules.budget.unit} of training each"


def runs_of(entries: list[Entry]) -> list[Run]:
    return [run for entry in entries for run in entry.runs]
