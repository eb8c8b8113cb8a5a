"""Mistakes a user can mend: one line each, naming what was wrong, where, and the valid choices."""

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """A user's mistake. The command line prints its text as one line and exits with status 2."""


def unknown(kind: str, name: object, choices: Iterable[object], where: str = "") -> InputError:
    """An `InputError` for a name that is none of `choices`; the nearest choice is suggested.

    `kind` says what was named ("suite"), `where` the file or option it was named in.
    """
    valid = [str(choice) for choice in choices]
    near = difflib.get_close_matches(str(name), valid, n=1)
    place = f"{where}: " if where else ""
    hint = f" (did you mean {near[0]}?)" if near else ""
    listed = ", ".join(valid) if valid else "none"
    return InputError(f"{place}unknown {kind} '{name}'{hint}; valid: {listed}")
