"""Conformance of a plugin: what the contract asks of every rule, checked one by one.

For tests of one's own plugin: `assert_conforms("rule.py")`; for what came out of each check: `check_plugin`.
"""

from zorbench.check.catalogue import CHECKS, NOT_CAUGHT
from zorbench.check.conformance import assert_conforms, bundled_rows, check_plugin, check_rows, find_rows
from zorbench.check.model import Check, Result

__all__ = [
    "CHECKS",
    "NOT_CAUGHT",
    "Check",
    "Result",
    "assert_conforms",
    "bundled_rows",
    "check_plugin",
    "check_rows",
    "find_rows",
]
