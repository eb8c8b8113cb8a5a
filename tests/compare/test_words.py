"""The verdict in words, and the Markdown for a pull request."""

from zorbench.compare import Side, compare, markdown, verdict

from .sides import RUN, cell, floor, probe, row, timed

OLD = [*floor(), *row("zor", [0.2, 0.3]), *row("mlp", [0.1, 0.1]), probe("zor")]
WORSE = [*floor(), *row("zor", [0.3, 0.35], source="b"), *row("mlp", [0.0, 0.1]), probe("zor", source="b")]


def held(new, old=OLD, **options):
    return compare(Side.of("old", old, [RUN]), Side.of("results/new", new, [RUN]), **options)


def test_each_status_has_its_sentence():
    assert verdict(held(OLD)) == "No regression: of 3 rows, none lost more than 0.02 of skill."
    better = [*floor(), *row("zor", [0.1, 0.1]), *row("mlp", [0.1, 0.1]), probe("zor")]
    assert (
        verdict(held(better)) == "No regression: of 3 rows, none lost more than 0.02 of skill, 1 gained more."
    )
    assert verdict(held(WORSE)) == "Regression: 1 of 3 rows lost more than 0.02 of skill."
    assert verdict(held(WORSE[:-2])) == (
        "Incomplete: 2 cells of old have no result in results/new. "
        "Beside that: 1 of 3 rows lost more than 0.02 of skill."
    )
    other = [{**record, "spec": {"samples": 1}} for record in OLD]
    assert verdict(held(other)) == "Not comparable: entry budget."
    leak = [*OLD[:-1], probe("zor", status="error")]
    assert verdict(held(leak)) == "Regression: 1 leak probe fails that passed before."
    slow = held([*OLD, *timed("zor", [2.0])], [*OLD, *timed("zor", [1.0])], time_margin=0.5)
    assert verdict(slow) == "Regression: 1 row takes more than 1.5 × as long to train."


def test_the_markdown_has_the_verdict_first_and_the_greatest_loss_before_others():
    text = markdown(held([*WORSE, *row("mine", [0.4, 0.4])]))
    lines = text.splitlines()
    assert lines[:3] == [
        "## Benchmark",
        "",
        "**Regression: 1 of 3 rows lost more than 0.02 of skill.**",
    ]
    (worst,) = [
        number for number, line in enumerate(lines) if line.startswith("| reconstruction/digits | zor")
    ]
    assert lines[worst] == (
        "| reconstruction/digits | zor | 2 | 0.2500 | 0.3250 | 0.500 | 0.350 | +0.1500 | changed |"
    )
    folded = lines.index("<details><summary>1 row moved within the margin, or got better</summary>")
    (gain,) = [
        number for number, line in enumerate(lines) if line.startswith("| reconstruction/digits | mlp")
    ]
    assert worst < folded < gain
    assert "| 0.1000 | 0.0500 | 0.800 | 0.900 | −0.1000 | same |" in lines[gain]
    assert "1 row did not move." in lines  # the floor
    assert "New rows: mine (1 entry)." in lines
    assert lines[-2:] == [
        "    zorbench run reconstruction",
        "    zorbench compare old results/new --margin 0.02",
    ]


def test_the_markdown_says_what_did_not_compare_and_why():
    new = [
        *({**record, "config": {"lr": 0.2}} if record["variant"] == "mlp" else record for record in OLD[:-1]),
    ]
    text = markdown(held(new))
    assert "**Not comparable: config.**" in text
    assert "- config: reconstruction/digits mlp: lr 0.1 → 0.2\n" in text
    assert "- reconstruction/digits zor: missing (learning from permuted labels) (seed 0)\n" in text


def test_a_reason_cannot_break_the_markdown():
    text = markdown(held([*OLD[:-2], cell("mlp", 1, status="error", reason="<b>|`x`\n# tea"), OLD[-1]]))
    assert "error: &lt;b>\\|\\`x\\` # tea (seed 1)" in text


def test_times_are_told_by_row():
    old, new = [*OLD, *timed("zor", [1.0, 1.0])], [*OLD, *timed("zor", [1.5, 1.5])]
    text = markdown(held(new, old, time_margin=0.2, baselines=["zor"]))
    assert "Training takes 1.50 × as long as before, the geometric mean of 1 row" in text
    assert "| reconstruction/digits | zor | 2 | 1.50 × [1.50, 1.50] |" in text
    assert "compare old results/new --margin 0.02 --time-margin 0.2 --baseline zor" in text


def test_the_order_of_the_records_does_not_show():
    assert markdown(held(WORSE[::-1], OLD[::-1])) == markdown(held(WORSE))
