"""The command line: `zorbench run | train | report | new | check | list`."""

from zorbench.cli.app import main

__all__ = ["main"]
