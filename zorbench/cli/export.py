"""`zorbench export` and `zorbench pack`: from options to files, and a line that says where they are."""

from collections.abc import Sequence
from pathlib import Path

from zorbench.export import export
from zorbench.pack import pack


def export_folder(results: Path, out: Path | None, formats: Sequence[str]) -> None:
    """Write tidy tables of a results folder; `formats` may hold several names, parted by commas."""
    chosen = [name.strip() for given in formats for name in given.split(",") if name.strip()]
    for path in export(results, out or results / "export", chosen or ["csv"]):
        print(path)


def pack_folder(results: Path, out: Path, lanes: Sequence[str]) -> None:
    """Write gzip shards of a results folder, and say how large they are."""
    count, paths = pack(results, out, lanes=lanes)
    size = sum(path.stat().st_size for path in paths)
    print(f"{count:,} records in {', '.join(map(str, paths))}: {size / 2**20:.2f} MiB")
