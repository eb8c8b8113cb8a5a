from dataclasses import replace

from zorbench.entry import Entry

ENTRY = Entry(
    suite="s",
    dataset="digits",
    task="classification",
    samples=100,
    batch=10,
    hidden=4,
    code=2,
    validation=5,
    shots=3,
)


def test_an_entry_is_named_by_its_data_and_setting():
    assert ENTRY.name == "digits-3shot"
    assert replace(ENTRY, shots=None, images=64).name == "digits-64img"
    assert replace(ENTRY, label="wide").name == "digits-3shot-wide"
    assert replace(ENTRY, depth=4).name == "digits-3shot-depth4"
    assert replace(ENTRY, depth=16, label="wide").name == "digits-3shot-depth16-wide"


def test_records_hold_every_setting_but_the_suite_and_the_rows():
    settings = replace(ENTRY, depth=4, rows=("zor",)).settings()
    assert settings["shots"] == 3
    assert settings["images"] is None
    assert settings["timeout"] == 300.0
    assert settings["depth"] == 4
    assert {"suite", "rows"}.isdisjoint(settings)


def test_without_conditions_an_entry_has_the_settings_and_the_identity_that_it_had_before_there_were_any():
    identity = {"dataset": "digits", "task": "classification", "samples": 100, "batch": 10, "hidden": 4}
    identity |= {"code": 2, "validation": 5, "shots": 3, "images": None, "test": None, "depth": None}
    assert ENTRY.identity() == identity
    assert list(ENTRY.settings()) == [
        *("dataset", "task", "samples", "batch", "hidden", "code", "validation"),
        *("shots", "images", "test", "timeout", "label", "depth"),
    ]


def test_conditions_are_a_setting_and_part_of_the_identity_but_not_of_the_name():
    noisy = replace(ENTRY, conditions=("gaussian-0.1", "poisson-3"))
    assert noisy.settings() == {**ENTRY.settings(), "conditions": ["gaussian-0.1", "poisson-3"]}
    assert noisy.identity() == {**ENTRY.identity(), "conditions": ["gaussian-0.1", "poisson-3"]}
    assert noisy.name == ENTRY.name


def test_what_cannot_change_a_result_is_no_part_of_the_identity():
    elsewhere = replace(ENTRY, suite="other", label="x", timeout=1.0, rows=("zor",))
    assert elsewhere.identity() == ENTRY.identity()
    assert {"suite", "label", "timeout", "rows"}.isdisjoint(ENTRY.identity())


def test_every_other_setting_is_a_part_of_the_identity():
    changes = {
        "dataset": "iris",
        "task": "reconstruction",
        "samples": 101,
        "batch": 11,
        "hidden": 5,
        "code": 3,
        "depth": 4,
        "validation": 6,
        "shots": 4,
        "images": 7,
        "test": 8,
    }
    for key, value in changes.items():
        assert replace(ENTRY, **{key: value}).identity() != ENTRY.identity(), key
    assert set(changes) == set(ENTRY.identity())
