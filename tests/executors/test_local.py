"""Worker processes: what a cell does to its process costs that cell only."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zorbench.cell import Cell, Outcome
from zorbench.executors import run_local
from zorbench.plan import Request, make_plan
from zorbench.registry import Registry
from zorbench.suite import find_suite

PLUGIN = '''
import os
import sys
import torch
from zorbench import Classification, StepBaseline

LEFT_BEHIND = []


class Hog(StepBaseline):
    """Asks for a gigabyte at a time and touches none of it."""
    name = "hog"
    tasks = {Classification}

    def step(self, inputs, targets):
        self.hoard = []
        while True:
            self.hoard.append(torch.empty(2**28))


class Talks(StepBaseline):
    """Prints, and answers with what it found in its process."""
    name = "talks"
    tasks = {Classification}

    def step(self, inputs, targets):
        print("words of a plugin", flush=True)
        self.found = [len(LEFT_BEHIND), torch.get_num_threads(), int(os.environ["OMP_NUM_THREADS"])]
        LEFT_BEHIND.append(1)

    def predict(self, inputs):
        if self.found[1:] != [1, 1]:
            raise RuntimeError(f"threads {self.found}")
        if "zorbench.executors.warm" not in sys.modules:
            raise RuntimeError("a cold process")
        if self.found[0] > 20:  # 20 steps a cell: more are another cell's
            raise RuntimeError("module state of another cell")
        return torch.eye(10)[torch.zeros(len(inputs), dtype=torch.long)]
'''


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., list[Cell]]:
    """Cells of the given plugin rows, without the floors, on a small entry."""
    (tmp_path / "plugin.py").write_text(PLUGIN)
    suite = tmp_path / "tiny.toml"
    suite.write_text(
        'title = "Tiny"\ntask = "classification"\n[[entry]]\ndataset = "digits"\nshots = 2\nsamples = 200\n'
        "batch = 10\nvalidation = 50\ntest = 60\ntimeout = 60\n"
    )

    def make(*names: str, seeds: int = 1) -> list[Cell]:
        request = Request(entries=find_suite(str(suite)).entries(), seeds=range(seeds), baselines=names)
        return [
            cell for cell in make_plan(request, Registry([tmp_path / "plugin.py"])) if cell.label in names
        ]

    return make


def run(cells: list[Cell], jobs: int, log: Path) -> tuple[dict[tuple[str, int], Outcome], int]:
    """The outcomes by (row, seed), and the most cells that ran at a time."""
    outcomes, most = {}, 0
    for progress in run_local(cells, jobs, log):
        most = max(most, len(progress.running))
        if progress.cell is not None and progress.outcome is not None:
            outcomes[progress.cell.label, progress.cell.seed] = progress.outcome
    return outcomes, most


def test_a_plugin_that_runs_out_of_memory_is_told_so_and_the_next_cell_runs(
    plan: Callable[..., list[Cell]], tmp_path: Path
) -> None:
    outcomes, _ = run(plan("hog", "talks"), 1, tmp_path / "log")
    assert outcomes["hog", 0].status == "error"
    assert outcomes["hog", 0].reason.startswith("out of memory (plugin.py:")
    assert outcomes["talks", 0].status == "ok"


def test_cells_share_neither_output_nor_module_state(
    plan: Callable[..., list[Cell]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes, most = run(plan("talks", seeds=3), 1, tmp_path / "log")
    assert [outcome.reason for outcome in outcomes.values()] == ["", "", ""]
    assert most == 1
    assert capfd.readouterr().out == ""
    # 3 cells of 200 presentations in batches of 10
    assert (tmp_path / "log").read_text().count("words of a plugin") == 60


def test_no_more_cells_run_at_a_time_than_asked_for(plan: Callable[..., list[Cell]], tmp_path: Path) -> None:
    outcomes, most = run(plan("talks", seeds=4), 2, tmp_path / "log")
    assert len(outcomes) == 4
    assert most == 2


def test_leaving_early_stops_the_workers(plan: Callable[..., list[Cell]], tmp_path: Path) -> None:
    import multiprocessing

    progress = run_local(plan("talks", seeds=3), 1, tmp_path / "log")
    next(progress)
    progress.close()
    assert multiprocessing.active_children() == []


def test_without_cells_no_worker_is_started(tmp_path: Path) -> None:
    assert list(run_local([], 1, tmp_path / "log")) == []
    assert not (tmp_path / "log").exists()


POLLUTER = '''
import torch
from zorbench import Classification, StepBaseline


class Polluter(StepBaseline):
    """Leaves torch in a state in which nobody else can learn."""
    name = "a_polluter"
    tasks = {Classification}

    def build(self, entry, config, rng):
        torch.set_default_device("meta")
        torch.nn.functional.cross_entropy = None

    def step(self, inputs, targets):
        raise RuntimeError("done with it")
'''


def test_what_a_plugin_does_to_its_libraries_ends_with_its_cell(
    plan: Callable[..., list[Cell]], tmp_path: Path
) -> None:
    (tmp_path / "polluter.py").write_text(POLLUTER)
    entries = plan("talks")[0].entry
    request = Request(entries=[entries], seeds=range(1), baselines=("a_polluter", "mlp"))
    cells = make_plan(request, Registry([tmp_path / "polluter.py"]))
    cells.sort(key=lambda cell: cell.label)
    assert cells[0].label == "a_polluter"
    outcomes, _ = run(cells, 1, tmp_path / "log")
    statuses = {label: outcome.status for (label, _), outcome in outcomes.items()}
    assert statuses == {"a_polluter": "error", "class_mean": "ok", "majority_class": "ok", "mlp": "ok"}
