"""Records and learning curves as tidy files, for other programs: CSV and Parquet."""

import importlib.util
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import pandas as pd

from zorbench.errors import InputError, unknown
from zorbench.frames import load_results
from zorbench.store import write_whole

ENGINES = ("pyarrow", "fastparquet")


def export(results: Path, out: Path, formats: Sequence[str] = ("csv",)) -> list[Path]:
    """Write `records` (a row a record) and `curves` (a row a checkpoint) in each format; the files.

    See `zorbench.load_results` for the columns. The same records give the same bytes. Raises `InputError`
    for an unknown format, for `parquet` without a library that writes it, and as `load_results` does; nothing
    is written then.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown("format", name, FORMATS, "--format")
    if "parquet" in formats:
        parquet_engine()
    frames = {"records": load_results(results), "curves": load_results(results, curves=True)}
    written = {
        out / f"{name}.{kind}": FORMATS[kind](frame)
        for name, frame in frames.items()
        for kind in dict.fromkeys(formats)
    }
    out.mkdir(parents=True, exist_ok=True)
    for path, content in written.items():
        write_whole(path, content)
    return list(written)


def parquet_engine() -> str:
    """The library that writes Parquet. Raises `InputError` naming the extra if there is none."""
    for name in ENGINES:
        if importlib.util.find_spec(name) is not None:
            return name
    raise InputError(
        "--format parquet: needs pyarrow or fastparquet, which are not installed; "
        "pip install 'zorbench[parquet]', or choose csv"
    )


def _csv(frame: pd.DataFrame) -> bytes:
    return str(frame.to_csv(index=False, lineterminator="\n")).encode()


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.to_parquet(buffer, engine=parquet_engine(), index=False)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[pd.DataFrame], bytes]] = {"csv": _csv, "parquet": _parquet}
