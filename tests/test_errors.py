from zorbench.errors import InputError, unknown


def test_an_unknown_name_is_told_with_the_nearest_and_all_valid_ones():
    error = unknown("suite", "reconstrution", ["reconstruction", "colorization"])
    assert isinstance(error, InputError)
    assert str(error) == (
        "unknown suite 'reconstrution' (did you mean reconstruction?); valid: reconstruction, colorization"
    )


def test_a_name_like_none_of_the_valid_ones_gets_no_suggestion():
    assert str(unknown("key", "zzz", ["alpha", "beta"])) == "unknown key 'zzz'; valid: alpha, beta"


def test_the_place_is_named_first():
    assert (
        str(unknown("key", "x", [], where="a.toml: entry 2"))
        == "a.toml: entry 2: unknown key 'x'; valid: none"
    )
