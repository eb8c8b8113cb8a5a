"""The claims file: what it may say, and what is said of mistakes."""

from pathlib import Path

import pytest

from zorbench.claims import bundled_claims, load_claims
from zorbench.errors import InputError

ENTRY = """
[entry.small]
task = "classification"
dataset = "digits"
shots = 2
samples = 200
batch = 10
noise = { gaussian = 0.2 }
differs = ["It is smaller."]
cost = { floors = 1, mlp = 2, zor = 3 }
"""
CLAIM = """
[[claim]]
id = "better"
system = "Zor"
statement = "It is better."
source = "a README"
figure = "qualitative"
measure = "accuracy"
compare = "difference"
direction = "more than"
value = 0.0
margin = 0.0
margin_reason = "better is better"
published = { entry = "small", row = "zor", than = "mlp" }
matched = { entry = "small", row = "zor", than = "mlp" }
"""
GOOD = 'title = "T"\n' + ENTRY + CLAIM


@pytest.fixture
def write(tmp_path):
    def write_claims(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write_claims


def problem(path: Path) -> str:
    """What is told of the file, less its path, which must come first."""
    with pytest.raises(InputError) as caught:
        load_claims(path)
    told = str(caught.value)
    assert "\n" not in told
    assert told.startswith(f"{path}: ")
    return told.removeprefix(f"{path}: ")


def test_a_claim_has_two_settings_of_an_entry_each(write):
    (claim,) = load_claims(write(GOOD))
    assert (claim.id, claim.compare, claim.expected.direction) == ("better", "difference", "more than")
    published, matched = claim.settings
    assert (published.kind, matched.kind) == ("published", "matched")
    assert (published.entry.name, published.entry.suite) == ("digits-2shot-small", "claims")
    assert published.pairs() == [(published.entry, "zor"), (published.entry, "mlp")]
    assert published.costs == {("small", "zor"): 3, ("small", "mlp"): 2, ("small", "floors"): 1}
    assert published.differs == ("It is smaller.",)


def test_the_other_row_may_have_another_budget(write):
    longer = ENTRY.replace("It is smaller", "It learns longer").replace("entry.small", "entry.longer")
    longer = longer.replace("= 200", "= 400")
    text = GOOD.replace("than = ", 'than_entry = "longer", than = ', 1) + longer
    (claim,) = load_claims(write(text))
    published, matched = claim.settings
    assert [(entry.samples, row) for entry, row in published.pairs()] == [(200, "zor"), (400, "mlp")]
    assert published.differs == ("It is smaller.", "It learns longer.")
    assert matched.than_entry is None


def test_a_claim_that_cannot_be_measured_says_why(write):
    text = GOOD.split('measure = "accuracy"')[0] + 'unmeasurable = "its data are not here"\n'
    (claim,) = load_claims(write(text))
    assert (claim.settings, claim.unmeasurable) == ((), "its data are not here")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('title = "T"', 'titel = "T"', ["unknown key 'titel' (did you mean title?)", "entry, claim"]),
        (
            "samples = 200",
            "sampels = 200",
            ["entry 'small': unknown key 'sampels'", "samples, batch", "differs, cost"],
        ),
        ("samples = 200", 'presets = ["full"]', ["entry 'small': unknown key 'presets'"]),
        ("samples = 200", "samples = 0", ["entry 'small': samples: ", "got 0"]),
        ("shots = 2", "shots = [1, 2]", ["entry 'small': shots: ", "[1, 2]"]),
        ("shots = 2", "", ["entry 'small': give either shots (per class) or images (in all)"]),
        ("zor = 3", "zoo = 3", ["entry 'small': cost tells no seconds of a cell of zor"]),
        ("floors = 1, ", "", ["entry 'small': cost tells no seconds of a cell of floors"]),
        ("zor = 3", "zor = -3", ["entry 'small': cost: "]),
        ('figure = "qualitative"', "", ["claim 'better': the key 'figure' is missing"]),
        ('id = "better"', 'id = "Much Better"', ["claim 'Much Better': id: "]),
        ("margin = 0.0", "margin = -1", ["claim 'better': margin: ", "got -1"]),
        ("margin = 0.0\n", "", ["claim 'better': the key 'margin' is missing"]),
        ('margin_reason = "better is better"', "", ["the key 'margin_reason' is missing"]),
        ("matched = ", "mached = ", ["claim 'better': unknown key 'mached' (did you mean matched?)"]),
        ('"accuracy"', '"acuracy"', ["claim 'better': unknown measure 'acuracy' (did you mean accuracy?)"]),
        ('"more than"', '"above"', ["claim 'better': direction: ", "'at least'", "'above'"]),
        ('"difference"', '"mean"', ["claim 'better': published: compare = \"mean\" has no use for 'than'"]),
        ('"difference"', '"ratio"', ["claim 'better': a ratio is one of training seconds"]),
        (', than = "mlp"', "", ["claim 'better': published: ", "needs 'than'"]),
        ('entry = "small"', 'entry = "smal"', ["published: unknown entry 'smal' (did you mean small?)"]),
        (
            'entry = "small"',
            'netry = "small"',
            ["published: unknown key 'netry'", "entry, row, than, than_entry, differs"],
        ),
        (
            '"accuracy"',
            '"accuracy"\nconditions = ["poisson-1"]',
            ["unknown condition 'poisson-1'", "gaussian-0.2"],
        ),
        ('"accuracy"', '"psnr"\nconditions = ["gaussian-0.2"]', ["psnr is not told under noise"]),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_a_mistake_is_told_with_its_place(write, old, new, expected):
    assert old in GOOD
    told = problem(write(GOOD.replace(old, new, 1)))
    for text in expected:
        assert text in told


def test_an_id_is_given_once(write):
    assert problem(write(GOOD + CLAIM)) == "two claims have the id 'better'"


def test_rows_are_compared_on_the_same_images_only(write):
    other = ENTRY.replace("small", "other").replace("shots = 2", "shots = 3")
    text = GOOD.replace("than = ", 'than_entry = "other", than = ', 1) + other
    assert "entries 'small' and 'other' differ in shots" in problem(write(text))


# The file that comes with zorbench


def test_the_bundled_claims_are_those_of_all_systems():
    claims = load_claims(bundled_claims())
    systems = {claim.system for claim in claims}
    assert {"Zor", "Zor, first rule", "mozafari2018", "STL-SNN", "Shifting learning"} <= systems
    assert len([claim for claim in claims if claim.id.startswith("zor-")]) >= 20


def test_margins_on_cifar10_are_at_least_half_a_point_of_a_claimed_accuracy():
    for claim in load_claims(bundled_claims()):
        on_cifar = any(setting.entry.dataset == "cifar10" for setting in claim.settings)
        if on_cifar and claim.measure in ("zor accuracy", "accuracy"):
            assert claim.expected.margin >= 0.5, claim.id


def test_every_setting_tells_how_it_differs():
    for claim in load_claims(bundled_claims()):
        for setting in claim.settings:
            assert setting.differs, (claim.id, setting.kind)


@pytest.mark.slow
def test_the_bundled_claims_can_be_planned(data_root):
    from zorbench.cli.claim_cells import make_questions
    from zorbench.registry import Registry

    claims = load_claims(bundled_claims())
    questions = make_questions(claims, [0], data_root, Registry(), bundled_claims())
    assert len(questions) == 2 * sum(not claim.unmeasurable for claim in claims)
    for question in questions:
        assert question.absent or question.row, question.name
