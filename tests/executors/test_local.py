"""Worker processes: what a cell does to its process costs that cell only."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zorbench.cell import Cell, Outcome, Work
from zorbench.executors import Progress, run_local
from zorbench.plan import Request, make_plan
from zorbench.registry import Registry
from zorbench.suite import find_suite
from zorbench.together import group_seeds

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


MANY = '''
import os
import time
from zorbench import StepBaseline, Classification
import torch


class Many(StepBaseline):
    """Learns nothing; what it does as a group is asked of the environment."""
    name = "many"
    tasks = {Classification}

    def step(self, inputs, targets):
        pass

    def predict(self, inputs):
        return torch.eye(10)[torch.zeros(len(inputs), dtype=torch.long)]

    def build_many(self, entry, config, rngs):
        if HOW == "raises":
            raise RuntimeError("no room")
        if HOW == "exits":
            os._exit(7)
        time.sleep({"hangs": 60, "takes long": 3}.get(HOW, 0))

    def step_many(self, inputs, targets):
        pass

    def member(self, index):
        return Many()


'''


@pytest.fixture
def groups(plan: Callable[..., list[Cell]], tmp_path: Path) -> Callable[..., list[Work]]:
    """A group of two seeds that ends as told, then a cell of another rule."""

    def make(how: str, timeout: float = 60.0) -> list[Work]:
        (other,) = plan("talks")
        (tmp_path / "many.py").write_text(f"{MANY}HOW = {how!r}\n")
        request = Request(entries=[other.entry], seeds=range(2), baselines=("many",), timeout=timeout)
        cells = make_plan(request, Registry([tmp_path / "many.py"]))
        return [*group_seeds(cell for cell in cells if cell.label == "many"), other]

    return make


def ended(progress: list[Progress]) -> list[tuple[str, int, str, int]]:
    """Row, seed, status and how many learned together, of every cell in the order of its end."""
    return [
        (one.cell.label, one.cell.seed, one.outcome.status, one.outcome.together)
        for one in progress
        if one.cell is not None and one.outcome is not None
    ]


def test_a_group_takes_one_process_and_every_cell_of_it_ends(
    groups: Callable[..., list[Work]], tmp_path: Path
) -> None:
    work = groups("well")
    progress = list(run_local(work, 1, tmp_path / "log"))
    assert [one.running for one in progress if one.cell is None] == [(work[0],), (work[1],)]
    assert ended(progress) == [("many", 0, "ok", 2), ("many", 1, "ok", 2), ("talks", 0, "ok", 1)]


def test_a_group_may_take_as_long_as_its_cells_one_by_one(
    groups: Callable[..., list[Work]], tmp_path: Path
) -> None:
    work = groups("takes long", timeout=2.5)[:1]
    assert ended(list(run_local(work, 1, tmp_path / "log"))) == [("many", 0, "ok", 2), ("many", 1, "ok", 2)]


@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [
        ("raises", "error", "RuntimeError: no room (many.py:21 in build_many)"),
        ("exits", "error", "the cell's process exited with status 7"),
        ("hangs", "timeout", "exceeded its limit of 6 s"),
    ],
)
def test_the_cells_of_a_group_that_fails_run_one_by_one_next(
    groups: Callable[..., list[Work]], tmp_path: Path, how: str, status: str, reason: str
) -> None:
    work = groups(how, timeout=3.0)
    progress = list(run_local(work, 1, tmp_path / "log"))
    (parted,) = [one for one in progress if one.group is not None]
    assert parted.group == work[0]
    assert parted.outcome is not None
    assert (parted.outcome.status, parted.outcome.reason) == (status, reason)
    assert ended(progress) == [("many", 0, "ok", 1), ("many", 1, "ok", 1), ("talks", 0, "ok", 1)]
