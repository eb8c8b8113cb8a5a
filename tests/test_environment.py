import json
import platform
import subprocess

import pytest
import torch

from zorbench import __version__, environment
from zorbench.environment import describe_environment


def test_versions_and_machine_are_described_in_plain_values():
    described = json.loads(json.dumps(describe_environment()))
    assert described["versions"]["zorbench"] == __version__
    assert described["versions"]["python"] == platform.python_version()
    assert described["versions"]["torch"] == torch.__version__
    assert described["machine"]["cores"] >= 1
    assert set(described) == {"versions", "machine", "commit"}


@pytest.mark.parametrize(
    "failure", [OSError(), subprocess.CalledProcessError(128, "git"), subprocess.TimeoutExpired("git", 10)]
)
def test_a_commit_that_cannot_be_told_is_none(monkeypatch, failure):
    def fail(*arguments, **options):
        raise failure

    monkeypatch.setattr(subprocess, "run", fail)
    assert environment.describe_environment()["commit"] is None
