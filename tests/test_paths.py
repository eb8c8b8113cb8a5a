from zorbench import paths


def test_what_comes_along_is_found_in_the_checkout():
    assert (paths.bundled("baselines") / "floors.py").is_file()
    assert (paths.bundled("suites") / "presets.toml").is_file()


def test_what_a_wheel_brings_is_preferred(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "zorbench")
    assert paths.bundled("suites") == tmp_path / "suites"
    inside = tmp_path / "zorbench" / "_bundled" / "suites"
    inside.mkdir(parents=True)
    assert paths.bundled("suites") == inside
