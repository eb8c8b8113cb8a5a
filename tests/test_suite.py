from dataclasses import replace
from pathlib import Path

import pytest

from zorbench import suite
from zorbench.conditions import KINDS, parse
from zorbench.data import catalog
from zorbench.errors import InputError
from zorbench.registry import Registry
from zorbench.suite import bundled_suites, find_suite, load_presets, load_suite
from zorbench.tasks import TASKS as TASK_CLASSES

HEAD = 'title = "T"\ntask = "classification"\n'
HEAD_KEYS = "title, task, description, baselines, defaults, entry"
TASKS = "Input should be 'reconstruction', 'colorization' or 'classification'"
ENTRY = '[[entry]]\ndataset = "digits"\nshots = 5\nsamples = 100\nbatch = 10\n'


@pytest.fixture
def write(tmp_path):
    def write_suite(text: str, name: str = "mine.toml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_suite


def problem(path: Path) -> str:
    """What is told of a suite file, less the file's path, which must come first."""
    with pytest.raises(InputError) as caught:
        load_suite(path)
    told = str(caught.value)
    assert "\n" not in told
    assert told.startswith(f"{path}: ")
    return told.removeprefix(f"{path}: ")


# What is good


def test_a_suite_is_read_with_its_defaults(write):
    loaded = load_suite(write(HEAD + ENTRY))
    assert (loaded.name, loaded.title, loaded.task) == ("mine", "T", "classification")
    (entry,) = loaded.entries()
    assert (entry.suite, entry.dataset, entry.task, entry.shots) == ("mine", "digits", "classification", 5)
    assert (entry.samples, entry.batch, entry.hidden, entry.code) == (100, 10, 64, 64)
    assert (entry.validation, entry.test, entry.timeout, entry.images) == (1000, None, 300.0, None)


def test_defaults_of_the_file_hold_unless_an_entry_says_otherwise(write):
    text = HEAD + "[defaults]\nhidden = 7\nsamples = 50\ntimeout = 9\n" + ENTRY
    (entry,) = load_suite(write(text)).entries()
    assert (entry.hidden, entry.samples, entry.timeout) == (7, 100, 9.0)


@pytest.mark.parametrize(("default", "own"), [("shots", "images"), ("images", "shots")])
def test_an_entry_replaces_a_default_of_the_other_setting(write, default, own):
    entry = f'[[entry]]\ndataset = "digits"\nsamples = 100\nbatch = 10\n{own} = 3\n'
    (loaded,) = load_suite(write(HEAD + f"[defaults]\n{default} = 5\n" + entry)).entries()
    assert (getattr(loaded, own), getattr(loaded, default)) == (3, None)


def test_lists_stand_for_every_combination(write):
    text = HEAD + ENTRY.replace('"digits"', '["digits", "iris"]').replace("= 5", "= [1, 5, 10]")
    names = [entry.name for entry in load_suite(write(text)).entries()]
    assert names == [f"{data}-{shots}shot" for data in ("digits", "iris") for shots in (1, 5, 10)]


def test_lists_of_images_are_expanded_too(write):
    text = HEAD + ENTRY.replace("shots = 5", "images = [10, 20]")
    assert [entry.name for entry in load_suite(write(text)).entries()] == ["digits-10img", "digits-20img"]


def test_lists_of_depths_are_expanded_last(write):
    text = HEAD + ENTRY.replace("= 5", "= [1, 5]") + "depth = [2, 16]\n"
    entries = load_suite(write(text)).entries()
    assert [(entry.name, entry.depth) for entry in entries] == [
        ("digits-1shot-depth2", 2),
        ("digits-1shot-depth16", 16),
        ("digits-5shot-depth2", 2),
        ("digits-5shot-depth16", 16),
    ]


def test_one_depth_is_no_list_and_without_one_each_rule_has_its_own(write):
    text = HEAD + "[defaults]\ndepth = [2, 3]\n" + ENTRY + "depth = 1\n"
    assert [entry.name for entry in load_suite(write(text)).entries()] == ["digits-5shot-depth1"]
    (entry,) = load_suite(write(HEAD + ENTRY)).entries()
    assert (entry.name, entry.depth, entry.rows) == ("digits-5shot", None, ())
    both = load_suite(write(HEAD + ENTRY + ENTRY + "depth = 1\n")).entries()  # not the same question
    assert [entry.name for entry in both] == ["digits-5shot", "digits-5shot-depth1"]


def test_levels_of_noise_are_the_test_conditions_of_every_entry_of_a_table(write):
    noise = "noise = { poisson = [1, 30.0], gaussian = 0.20 }\n"
    entries = load_suite(write(HEAD + ENTRY.replace("= 5", "= [1, 5]") + noise)).entries()
    assert [entry.conditions for entry in entries] == [("gaussian-0.2", "poisson-30", "poisson-1")] * 2
    assert [entry.name for entry in entries] == ["digits-1shot", "digits-5shot"]
    (entry,) = load_suite(write(HEAD + ENTRY)).entries()
    assert entry.conditions == ()


def test_noise_of_the_defaults_holds_for_entries_with_none_of_their_own(write):
    text = HEAD + "[defaults]\nnoise = { gaussian = [0.1] }\n" + ENTRY
    text += ENTRY.replace("= 5", "= 6") + "noise = { salt_pepper = [0.2] }\n"
    text += ENTRY.replace("= 5", "= 7") + "noise = {}\n"
    text += ENTRY.replace("= 5", "= 8") + "[entry.noise]\npoisson = [3, 1]\n"
    found = [entry.conditions for entry in load_suite(write(text)).entries()]
    assert found == [("gaussian-0.1",), ("salt_pepper-0.2",), (), ("poisson-3", "poisson-1")]


def test_entries_that_differ_in_noise_alone_ask_for_different_things(write):
    text = HEAD + ENTRY + ENTRY + 'label = "noisy"\nnoise = { gaussian = 1 }\n'
    assert [entry.name for entry in load_suite(write(text)).entries()] == [
        "digits-5shot",
        "digits-5shot-noisy",
    ]


def test_a_suite_says_which_rows_its_entries_are_about(write):
    text = 'baselines = ["zor", "mlp[lr=0.1]"]\n' + HEAD + ENTRY + ENTRY.replace("= 5", "= 6")
    assert [entry.rows for entry in load_suite(write(text)).entries()] == [("zor", "mlp[lr=0.1]")] * 2


def test_entries_are_chosen_by_preset(write):
    text = (
        HEAD + ENTRY + 'presets = ["smoke", "full"]\n' + ENTRY.replace("= 5", "= 6") + 'presets = ["full"]\n'
    )
    loaded = load_suite(write(text))
    assert [entry.name for entry in loaded.entries("smoke")] == ["digits-5shot"]
    assert [entry.name for entry in loaded.entries("full")] == ["digits-5shot", "digits-6shot"]
    assert loaded.entries("quick") == []
    assert len(loaded.entries()) == 2


def test_a_label_tells_entries_of_one_name_apart(write):
    text = HEAD + ENTRY + ENTRY + 'label = "wide"\nhidden = 500\n'
    assert [entry.name for entry in load_suite(write(text)).entries()] == [
        "digits-5shot",
        "digits-5shot-wide",
    ]


# What is not


def test_a_file_that_is_not_there_or_cannot_be_read_is_named(tmp_path):
    assert problem(tmp_path / "none.toml") == "cannot be read: No such file or directory"
    (tmp_path / "folder.toml").mkdir()
    assert problem(tmp_path / "folder.toml") == "cannot be read: Is a directory"


def test_bad_toml_is_told_with_its_line(write):
    told = problem(write(HEAD + "[[entry]\n"))
    assert told.startswith("not valid TOML: ")
    assert "line 3" in told


def test_a_file_that_is_no_text_is_no_toml(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert problem(path).startswith("not valid TOML: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the key 'title' is missing"),
        ('title = "T"\n' + ENTRY, "the key 'task' is missing"),
        (HEAD, "the key 'entry' is missing"),
        ("titel = 1\n" + HEAD + ENTRY, f"unknown key 'titel' (did you mean title?); valid: {HEAD_KEYS}"),
        (HEAD.replace("classification", "clustering") + ENTRY, f"task: {TASKS}, got 'clustering'"),
        ("title = 3\ntask = 'classification'\n" + ENTRY, "title: Input should be a valid string, got 3"),
        ("baselines = 'zor'\n" + HEAD + ENTRY, "baselines: Input should be a valid list, got 'zor'"),
    ],
)
def test_a_wrong_head_is_told_with_the_key(write, text, expected):
    assert problem(write(text)) == expected


def test_one_table_instead_of_a_list_is_told(write):
    assert problem(write(HEAD + ENTRY.replace("[[entry]]", "[entry]"))).startswith(
        "entry: Input should be a valid list"
    )


VALID = (
    "dataset, samples, batch, hidden, depth, code, validation, test, noise, shots, images, timeout, label, "
    "presets, protocols, seconds, trials, timed, probed"
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("samples = 100", "sampels = 100", f"unknown key 'sampels' (did you mean samples?); valid: {VALID}"),
        ("samples = 100\n", "", "the key 'samples' is missing"),
        ('dataset = "digits"\n', "", "the key 'dataset' is missing"),
        ("samples = 100", 'samples = "many"', "samples: Input should be a valid integer, got 'many'"),
        ("samples = 100", "samples = 100.0", "samples: Input should be a valid integer, got 100.0"),
        ("samples = 100", "samples = true", "samples: Input should be a valid integer, got True"),
        ("samples = 100", "samples = 0", "samples: Input should be greater than or equal to 1, got 0"),
        ("batch = 10", "batch = -1", "batch: Input should be greater than or equal to 1, got -1"),
        ("batch = 10", "batch = 10\ntimeout = 0", "timeout: Input should be greater than 0, got 0"),
        ("batch = 10", "batch = 10\ntimeout = inf", "timeout: Input should be a finite number, got inf"),
        (
            "batch = 10",
            "batch = 10\nvalidation = 0",
            "validation: Input should be greater than or equal to 1, got 0",
        ),
        ("batch = 10", 'batch = 10\npresets = "smoke"', "presets: Input should be a valid list, got 'smoke'"),
        ("shots = 5", "shots = 0", "shots: Input should be greater than or equal to 1, got 0"),
        ("shots = 5", "shots = [1, 0]", "shots: Input should be greater than or equal to 1, got 0"),
        ("shots = 5", 'shots = [1, "x"]', "shots: Input should be a valid integer, got 'x'"),
        ("shots = 5", 'shots = "five"', "shots: Input should be a valid integer, got 'five'"),
        (
            "shots = 5",
            "shots = []",
            "shots: List should have at least 1 item after validation, not 0, got []",
        ),
        ('"digits"', "[]", "dataset: List should have at least 1 item after validation, not 0, got []"),
        (
            "batch = 10",
            "batch = 10\ndepth = 0",
            "depth: Input should be greater than or equal to 1, got 0",
        ),
        (
            "batch = 10",
            "batch = 10\ndepth = [2, 0]",
            "depth: Input should be greater than or equal to 1, got 0",
        ),
        ("batch = 10", 'batch = 10\ndepth = "deep"', "depth: Input should be a valid integer, got 'deep'"),
        (
            "batch = 10",
            "batch = 10\ndepth = []",
            "depth: List should have at least 1 item after validation, not 0, got []",
        ),
        (
            "batch = 10",
            "batch = 10\nnoise = { gausian = [0.1] }",
            "noise: unknown kind of noise 'gausian' (did you mean gaussian?); "
            "valid: gaussian, salt_pepper, poisson",
        ),
        (
            "batch = 10",
            "batch = 10\nnoise = { salt_pepper = [0.1, 1.5] }",
            "noise: salt_pepper: share of pixels = 1.5; it can be 0.001 to 1",
        ),
        (
            "batch = 10",
            "batch = 10\nnoise = { poisson = [3, 1, 3.0] }",
            "noise: poisson: photons at white = 3 is given twice",
        ),
        (
            "batch = 10",
            "batch = 10\nnoise = { gaussian = nan }",
            "noise: gaussian: standard deviation = nan; it can be 0.001 to 10",
        ),
        (
            "batch = 10",
            "batch = 10\nnoise = { gaussian = [] }",
            "noise: List should have at least 1 item after validation, not 0, got []",
        ),
        (
            "batch = 10",
            'batch = 10\nnoise = { gaussian = ["0.1"] }',
            "noise: Input should be a valid number, got '0.1'",
        ),
        (
            "batch = 10",
            "batch = 10\nnoise = { gaussian = true }",
            "noise: Input should be a valid number, got True",
        ),
        ("batch = 10", "batch = 10\nnoise = 0.1", "noise: Input should be a valid dictionary, got 0.1"),
        ('"digits"', "5", "dataset: Input should be a valid string, got 5"),
        (
            "batch = 10",
            'batch = 10\nprotocols = ["times"]',
            "protocols: Input should be 'samples', 'time' or 'tuned', got 'times'",
        ),
        (
            "batch = 10",
            "batch = 10\nprotocols = []",
            "protocols: List should have at least 1 item after validation, not 0, got []",
        ),
        (
            "batch = 10",
            'batch = 10\nprotocols = ["time"]',
            "protocol time needs seconds, the training time",
        ),
        ("batch = 10", "batch = 10\nseconds = 0", "seconds: Input should be greater than 0, got 0"),
        ("batch = 10", "batch = 10\ntrials = 1", "trials: Input should be greater than or equal to 2, got 1"),
        ("shots = 5", "shots = 5\nimages = 5", "give either shots (per class) or images (in all)"),
        ("shots = 5\n", "", "give either shots (per class) or images (in all)"),
    ],
)
def test_a_wrong_entry_is_told_with_its_number_and_key(write, old, new, expected):
    assert old in ENTRY
    good = ENTRY.replace("= 5", "= 4")
    assert problem(write(HEAD + good + ENTRY.replace(old, new))) == f"entry 2: {expected}"


def test_two_entries_of_one_name_are_told(write):
    expected = "two entries are named 'digits-5shot'; tell them apart with label = \"…\""
    assert problem(write(HEAD + ENTRY + ENTRY)) == expected
    assert problem(write(HEAD + ENTRY.replace("= 5", "= [5, 5]"))) == expected


def test_a_label_alone_makes_no_other_entry(write):
    expected = "the entries 'digits-5shot' and 'digits-5shot-again' ask for the same"
    again = ENTRY + 'label = "again"\ntimeout = 9\n'
    assert problem(write(HEAD + ENTRY + again)) == expected


def test_an_unknown_preset_is_told_with_the_nearest_and_all_valid_ones(write):
    told = problem(write(HEAD + ENTRY + ENTRY.replace("= 5", "= 6") + 'presets = ["smok"]\n'))
    assert told == f"entry 2: unknown preset 'smok' (did you mean smoke?); valid: {', '.join(load_presets())}"


# Finding


def test_a_suite_is_found_by_name_or_by_path(write):
    assert find_suite("classification").path == bundled_suites()["classification"]
    assert find_suite(str(write(HEAD + ENTRY))).name == "mine"


def test_a_suite_that_cannot_be_found_is_told():
    with pytest.raises(InputError) as caught:
        find_suite("classificaton")
    expected = "unknown suite 'classificaton' (did you mean classification?); valid: "
    assert str(caught.value) == expected + ", ".join([*bundled_suites(), "PATH.toml"])
    with pytest.raises(InputError, match=r"^suite nowhere/x\.toml: no such file$"):
        find_suite("nowhere/x.toml")


def test_a_preset_that_is_wrong_is_named_with_its_file(tmp_path, monkeypatch):
    (tmp_path / "presets.toml").write_text('[tiny]\ndescription = "d"\nseeds = 0\n')
    monkeypatch.setattr(suite, "bundled", lambda name: tmp_path)
    with pytest.raises(InputError) as caught:
        load_presets()
    place = f"{tmp_path / 'presets.toml'}: tiny: "
    assert str(caught.value) == place + "seeds: Input should be greater than or equal to 1, got 0"


# What comes along


def test_the_bundled_suites_are_sound():
    suites = {name: find_suite(name) for name in bundled_suites()}
    assert {"reconstruction", "colorization", "classification"} <= set(suites)
    known = {info.name for info in catalog(None)}
    for name, loaded in suites.items():
        names = [entry.name for entry in loaded.entries()]
        assert len(set(names)) == len(names)
        assert all(table.presets for table in loaded.tables), f"{name}: an entry that no preset runs"
        assert {entry.dataset for entry in loaded.entries()} <= known
    assert "presets" not in suites
    assert "claims" not in suites


def test_the_rows_that_bundled_suites_are_about_exist_and_can_do_their_task():
    registry = Registry()
    named = 0
    for name in bundled_suites():
        for entry in find_suite(name).entries():
            for label in entry.rows:
                row = registry.row(label)
                assert TASK_CLASSES[entry.task] in row.plugin.tasks, f"{name}: {label}"
                assert row.plugin.role != "floor", f"{name}: {label} is there anyway"
                named += 1
    assert named


@pytest.mark.parametrize("name", ["depth_classification", "depth_reconstruction"])
def test_the_suites_of_depth_ask_the_same_of_networks_of_2_to_16_hidden_layers(name):
    entries = find_suite(name).entries()
    assert [entry.name for entry in entries] == [f"mnist5k-10shot-depth{n}" for n in (2, 4, 8, 16)]
    assert len({str(replace(entry, depth=None).identity()) for entry in entries}) == 1


def test_the_suite_of_noise_has_several_levels_of_every_kind():
    suite = find_suite("robustness")
    for entry in suite.entries():
        kinds = [parse(condition).kind for condition in entry.conditions]
        assert set(kinds) == set(KINDS)
        assert all(kinds.count(kind) >= 3 for kind in KINDS)
    assert {entry.dataset for entry in suite.entries("full")} == {"mnist", "fashion_mnist"}


def test_one_entry_of_the_quick_preset_is_tested_under_every_kind_of_noise():
    (noisy,) = [entry for entry in find_suite("classification").entries("quick") if entry.conditions]
    kinds = [parse(condition).kind for condition in noisy.conditions]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(KINDS, 3)


def test_the_suite_of_all_images_affords_each_five_times_beside_those_kept_back():
    (entry,) = find_suite("all_images").entries()
    info = next(info for info in catalog(None) if info.name == entry.dataset)
    assert entry.images == info.n_train - info.n_train // 5 - 1000
    assert entry.samples == 5 * entry.images


def test_every_preset_runs_every_kind_of_task_on_data_that_can_be_had():
    suites = [find_suite(name) for name in bundled_suites()]
    always = {info.name for info in catalog(None) if info.available}
    for preset in ("smoke", "quick"):
        entries = [entry for loaded in suites for entry in loaded.entries(preset)]
        assert {entry.task for entry in entries} == {"reconstruction", "colorization", "classification"}
        assert {entry.dataset for entry in entries} <= always


def test_a_verdict_has_enough_seeds():
    assert load_presets()["full"].seeds >= 8
