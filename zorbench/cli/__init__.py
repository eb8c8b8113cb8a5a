"""The command line: `zorbench run | report | list`."""

from zorbench.cli.app import main

__all__ = ["main"]
