"""The numbers in plain words, against sentences written by hand."""

from zorbench import stats
from zorbench.report.build import build_view
from zorbench.report.summary import in_short, paragraph, sentence

from .synthetic import floors, record, rows
from .test_standing import NOISE, eight, floor_rows
from .test_timing import JITTER

BACKWARDS = NOISE[::-1]


def timed(variant, seconds, twin=False, **changes):
    found = []
    for number, jitter in enumerate(JITTER):
        for repetition in (2 * number, 2 * number + 1)[: 1 + twin]:
            given = {"lane": "timing", "repetition": repetition, "attested": True, "load": 0.0}
            found.append(record("s", "e", variant, number, train=seconds * jitter, **given, **changes))
    return found


def entry_of(records):
    return build_view(records, []).suites[0].entries[0]


def skill_gain(a, b, floor):
    """The difference in skill and half its interval, as a reader would print them."""
    estimate = stats.skill_difference(a, b, floor)
    return f"{estimate.value:.3f} ± {estimate.high - estimate.value:.3f}".replace("-", "−")


YARD = [*eight("yard", 0.3, noise=BACKWARDS, yardstick=True), *timed("yard", 0.5, twin=True, yardstick=True)]
REFERENCES = [*eight("pca", 0.1, noise=BACKWARDS, role="reference"), *eight("ridge", 0.05, role="reference")]


def test_the_sentence_tells_who_wins_who_does_as_well_and_how_fast():
    entry = entry_of([*eight("rule", 0.1), *timed("rule", 1.0), *YARD, *REFERENCES, *floor_rows()])
    gain = skill_gain(
        [0.1 + x for x in NOISE], [0.3 + x for x in BACKWARDS], [0.5 + 2 * x for x in BACKWARDS]
    )
    assert gain.startswith("0.400 ± ")
    assert sentence(entry, entry.row("rule")) == (
        f"rule beats yard on e reconstruction by {gain} skill (n = 8); ridge does better; "
        f"pca does as well, as far as was shown; it is not faster (2 × the training time)."
    )


def test_a_loser_is_said_to_lose_and_an_open_question_is_left_open():
    entry = entry_of([*eight("rule", 0.4), *YARD, *floor_rows()])
    assert sentence(entry, entry.row("rule")).startswith("rule loses to yard on e reconstruction by 0.200 ± ")
    entry = entry_of([*eight("rule", 0.3, noise=NOISE), *YARD, *floor_rows()])
    assert sentence(entry, entry.row("rule")).startswith(
        "no difference between rule and yard was shown on e reconstruction: +0.000 ± "
    )


def test_a_faster_rule_is_said_to_be_faster_and_an_equal_one_not():
    for seconds, text in (
        (0.05, "it trains in 0.1 of the time."),
        (0.5, "it is not faster (training time ≈)."),
    ):
        entry = entry_of([*eight("rule", 0.1), *timed("rule", seconds), *YARD, *floor_rows()])
        assert sentence(entry, entry.row("rule")).endswith(text)
    entry = entry_of([*eight("rule", 0.1), *YARD, *floor_rows()])
    assert sentence(entry, entry.row("rule")).endswith("its time was not compared.")


def test_with_few_seeds_there_is_no_verdict_in_words_either():
    records = [*rows("s", "e", "rule", (0.1,) * 3), *rows("s", "e", "yard", (0.3,) * 3, yardstick=True)]
    records += floors("s", "e")
    entry = entry_of(records)
    assert sentence(entry, entry.row("rule")) == (
        "rule has the lowest error of the contenders on e reconstruction; 3 seeds support no verdict."
    )
    assert paragraph(entry).startswith("3 seeds: no verdict. A difference from yard of")
    assert "better than" not in paragraph(entry)


def test_the_paragraph_puts_every_row_into_its_group():
    records = [
        *eight("rule", 0.1),
        *eight("poor", 0.4),
        *eight("alike", 0.3, noise=NOISE),
        *YARD,
        *floor_rows(),
    ]
    text = paragraph(entry_of(records))
    better, rest = text.split("; worse: ")
    worse, alike = rest.split("; no difference shown: ")
    assert "better than yard: rule (+0.400 ± " in better
    assert worse.startswith("poor (−0.200 ± ")
    assert alike.startswith("alike (+0.000 ± ")


def test_the_best_contender_of_each_entry_is_in_short_and_variants_are_not():
    records = [*eight("rule", 0.1), *eight("rule_fast", 0.05, baseline="rule"), *YARD, *floor_rows()]
    ((entry, text),) = in_short(build_view(records, []))
    assert entry.name == "e"
    assert text.startswith("rule beats yard")
