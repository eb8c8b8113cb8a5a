"""The pictures of an entry: what went in, what was asked for, and what each baseline made of it."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zorbench.report.model import EntryView, Row

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """A strip of test images as a data URI (None: the file is not there), and whose it is."""

    label: str
    error: float | None
    group: str
    uri: str | None


def gallery(entry: EntryView, results: Path) -> tuple[Picture, ...]:
    """Input and target (one strip if they are the same), then the predictions in the order of the table.

    Empty if no cell of the entry kept pictures.
    """
    rows = [row for row in entry.rows if row.sample is not None]
    if not rows:
        return ()
    given = {name: _first(rows, name, results) for name in ("input", "target")}
    if given["input"] == given["target"]:
        pictures = [Picture("input and target", None, "given", given["input"])]
    else:
        pictures = [Picture(name, None, "given", uri) for name, uri in given.items()]
    for row in rows:
        if row.sample is not None:
            uri = _data_uri(results, row.sample.images.get("prediction"))
            pictures.append(Picture(row.label, row.sample.error, row.group, uri))
    return tuple(pictures)


def _first(rows: Iterable[Row], name: str, results: Path) -> str | None:
    """The first strip of that name to be had: all rows of a seed were shown the same images."""
    for row in rows:
        uri = _data_uri(results, row.sample.images.get(name)) if row.sample else None
        if uri is not None:
            return uri
    return None


def _data_uri(results: Path, name: str | None) -> str | None:
    """The PNG as a data URI; None if it is not there, not a PNG, or outside of the results folder."""
    if not name:
        return None
    path = (results / name).resolve()
    if not path.is_relative_to(results.resolve()) or not path.is_file():
        return None
    data = path.read_bytes()
    return f"data:image/png;base64,{base64.b64encode(data).decode()}" if data.startswith(_PNG) else None
