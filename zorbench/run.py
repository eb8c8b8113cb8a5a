"""Run one cell: episode → build → fit → predict → score."""

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from zorbench.baseline import Baseline, EntrySpec
from zorbench.cell import Cell, Outcome
from zorbench.clock import TrainingClock, synchronise
from zorbench.conditions import parse
from zorbench.config import make_config
from zorbench.data import Dataset, Episode, draw_episode, load
from zorbench.diagnostics import diagnostics
from zorbench.entry import Entry
from zorbench.memory import PeakMemory
from zorbench.noise import add_noise
from zorbench.operations import MOST, OneMinibatch, learning_operations, prediction_operations
from zorbench.predict import ContractError, Diverged, check_bottleneck, predict
from zorbench.protocol import Budget
from zorbench.randomness import GlobalRandomness, derive_seed
from zorbench.registry import source_hash
from zorbench.strips import strip
from zorbench.tasks import TASKS, Task

THREADS = 1

Result = TypeVar("Result")


def run_cell(cell: Cell) -> Outcome:
    """Run a cell in this process. Whatever the plugin raises becomes the outcome's reason."""
    return attempt(cell, lambda: Session(cell).run())


def attempt(cell: Cell, work: Callable[[], Result]) -> Result | Outcome:
    """What `work` returns, or the outcome that says why the cell's plugin did not get through it."""
    try:
        with _own_settings():
            return work()
    except Diverged as error:
        return Outcome("diverged", str(error))
    except ContractError as error:
        return Outcome("error", _shortened(str(error)))
    except (MemoryError, torch.cuda.OutOfMemoryError) as error:
        return Outcome("error", f"out of memory{_place(error, cell)}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit too costs its own cell only
        if "can't allocate memory" in str(error):
            return Outcome("error", f"out of memory{_place(error, cell)}")
        traceback.print_exc()  # into the run's log
        text = _shortened(" ".join(str(error).split()) or "no message")
        return Outcome("error", f"{type(error).__name__}: {text}{_place(error, cell)}")


def entry_episode(entry: Entry, dataset: Dataset, seed: int) -> Episode:
    """The episode of (entry, seed): the same for every baseline."""
    return draw_episode(
        dataset,
        shots=entry.shots,
        images=entry.images,
        validation=entry.validation,
        test=entry.test,
        seed=seed,
    )


class Answer(NamedTuple):
    """What a trained rule was asked for, and how long predicting took."""

    prediction: Tensor  # for the test items, unclipped
    cost: dict[str, float]
    seconds: float
    noisy: dict[str, Tensor] = {}  # test condition → prediction


class Session:
    """A cell's part in a run: its data, budget, learning curve, last questions and score."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.entry = cell.entry
        self.task: type[Task] = TASKS[cell.entry.task]
        self.device = torch.device(cell.device)
        self.dataset = load(cell.entry.dataset, cell.data_root)
        self.episode = entry_episode(self.entry, self.dataset, cell.seed)
        if self.episode.sha256 != cell.episode_sha256:
            raise ContractError("the data set changed between planning and running: run again")
        n_classes = len(self.dataset.class_names)
        self.spec = EntrySpec(
            task=self.task,
            input_shape=self.task.input_shape(self.dataset.shape),
            output_shape=self.task.output_shape(self.dataset.shape, n_classes),
            n_classes=n_classes,
            n_shots=len(self.episode.shots),
            samples=self.entry.samples,
            batch=self.entry.batch,
            hidden=self.entry.hidden,
            depth=self.entry.depth,
            code=self.entry.code,
            device=self.device,
        )
        _wake(self.device)
        self.clock = TrainingClock(self.device)
        self.randomness = GlobalRandomness(derive_seed("global", self.episode.sha256, cell.seed))
        self.generator = torch.Generator().manual_seed(derive_seed("plugin", self.episode.sha256, cell.seed))
        self.memory = PeakMemory(self.device)
        self.curve: list[dict[str, Any]] = []
        self.shots = self._training_part(self.episode.shots)
        self.validation = self._training_part(self.episode.validation)

    def run(self) -> Outcome:
        """Learn, answer and be scored, alone."""
        plugin, config = self.new_plugin()
        budget = self.budget(partial(self._training_checkpoint, plugin))
        self.memory.start()
        build_seconds = self._build(plugin, config)
        with self.randomness.installed():
            self.clock.resume()
            plugin.fit(budget)
            self.clock.pause()
        peak = self.memory.read()
        answer = self.watch_learning(plugin, self.ask(plugin, budget))
        train, first_step = self.clock.seconds, self.clock.first_step
        return replace(
            self.score(answer),
            seconds={
                "build": build_seconds,
                "first_step": train if first_step is None else first_step,
                "train": train,
                "predict": answer.seconds,
            },
            peak_memory=peak,
        )

    def new_plugin(self) -> tuple[Baseline, Any]:
        """The plugin, not built yet, and its configuration."""
        cell = self.cell
        if source_hash(cell.ref.path) != cell.source:
            raise ContractError("the plugin's code changed between planning and running: run again")
        with self.randomness.installed():
            plugin_class = cell.ref.load()
            plugin = plugin_class()
        config = make_config(plugin_class.Config, cell.settings, cell.label)
        check_bottleneck(plugin, self.spec)
        return plugin, config

    def budget(self, checkpoint: Callable[[int], None]) -> Budget:
        """The shots, to be handed out in the episode's order."""
        inputs, targets = self.shots
        return Budget(
            inputs.to(self.device),
            targets.to(self.device),
            samples=self.entry.samples,
            batch=self.entry.batch,
            order_seed=self.episode.order_seed,
            clock=self.clock,
            checkpoint=checkpoint,
        )

    def checkpoint(self, plugin: Baseline, samples: int) -> None:
        """A point of the learning curve: error on the validation images, which no plugin sees, and layers."""
        inputs, targets = self.validation
        # Its own random state: looking at a rule must not change how it goes on learning.
        with GlobalRandomness(derive_seed("checkpoint", samples)).installed():
            prediction = predict(plugin, self.spec, inputs)
            layers = diagnostics(plugin)
        if self.task.images_out:
            prediction = prediction.clamp(0, 1)
        error = self.task.error(prediction, targets)
        if self.curve and self.curve[-1]["samples"] == samples:  # fit ended at a checkpoint
            self.curve.pop()
        point = {"samples": samples, "seconds": self.clock.seconds, "error": error}
        self.curve.append(point | ({"diagnostics": layers} if layers else {}))

    def ask(self, plugin: Baseline, budget: Budget) -> Answer:
        """All that is asked of a trained rule: last checkpoint, state, predictions for the test items."""
        self.checkpoint(plugin, budget.seen)
        with self.randomness.installed():
            parameters = plugin.state().values()
        with GlobalRandomness(derive_seed("operations")).installed():
            operations = prediction_operations(plugin, self.spec, self.validation[0][:MOST])
        inputs = self.task.inputs(self.dataset.test_inputs(self.episode.test))
        with self.randomness.installed():
            start = time.perf_counter()
            prediction = predict(plugin, self.spec, inputs)
            seconds = time.perf_counter() - start
        noisy = {condition: self._under(condition, plugin, inputs) for condition in self.entry.conditions}
        if torch.get_num_threads() != THREADS:
            raise ContractError(f"the rule set torch to {torch.get_num_threads()} threads; it has {THREADS}")
        cost = {
            "parameters": sum(tensor.numel() for tensor in parameters),
            "state_bytes": sum(tensor.numel() * tensor.element_size() for tensor in parameters),
            "samples": budget.seen,
            "updates": budget.updates,
            **operations,
        }
        return Answer(prediction, cost, seconds, noisy)

    def watch_learning(self, plugin: Baseline, answer: Answer) -> Answer:
        """The answer with what learning takes, a presentation. The rule learns on: ask nothing after."""
        inputs, targets = self.shots
        budget = OneMinibatch(
            inputs.to(self.device),
            targets.to(self.device),
            samples=min(self.entry.batch, len(inputs), self.entry.samples),
            batch=self.entry.batch,
            order_seed=self.episode.order_seed,
            clock=TrainingClock(self.device),
        )
        with GlobalRandomness(derive_seed("operations")).installed():
            operations = learning_operations(plugin, budget, answer.cost)
        return answer._replace(cost=answer.cost | operations)

    def score(self, answer: Answer) -> Outcome:
        """The outcome, without times. Reads the test targets: to be called after the plugin's last call."""
        prediction = answer.prediction
        images, clipped = {}, {}
        if self.task.images_out:
            clipped["clipped"] = float(((prediction < 0) | (prediction > 1)).float().mean())
            prediction = prediction.clamp(0, 1)
        inputs, targets = self._test_part()
        if self.task.images_out:
            images = {"input": strip(inputs), "target": strip(targets), "prediction": strip(prediction)}
        return Outcome(
            status="ok",
            metrics={
                "clean": {**self.task.metrics(prediction, targets), **clipped},
                **{name: {"error": self.task.error(found, targets)} for name, found in answer.noisy.items()},
                "validation": {"error": self.curve[-1]["error"]},
            },
            curve=self.curve,
            cost=answer.cost,
            images=images,
        )

    def _under(self, condition: str, plugin: Baseline, inputs: Tensor) -> Tensor:
        """The rule's prediction for the test items under noise, which is the same for every rule."""
        seed = derive_seed("noise", self.episode.sha256, self.cell.seed, condition)
        noisy = add_noise(inputs, parse(condition), torch.Generator().manual_seed(seed))
        with self.randomness.installed():
            try:
                return predict(plugin, self.spec, noisy)
            except Diverged as error:
                raise Diverged(f"{error} under {condition}") from error

    def _build(self, plugin: Baseline, config: Any) -> float:
        start = time.perf_counter()
        with self.randomness.installed():
            plugin.build(self.spec, config, self.generator)
        synchronise(self.device)
        return time.perf_counter() - start

    def _training_checkpoint(self, plugin: Baseline, samples: int) -> None:
        self.memory.pause()
        self.checkpoint(plugin, samples)
        self.memory.resume()

    def _training_part(self, indices: Any) -> tuple[Tensor, Tensor]:
        items = self.dataset.train_inputs(indices)
        labels = self.dataset.train_labels()[torch.as_tensor(indices)]
        return self.task.inputs(items), self.task.targets(items, labels, len(self.dataset.class_names))

    def _test_part(self) -> tuple[Tensor, Tensor]:
        items = self.dataset.test_inputs(self.episode.test)
        labels = self.dataset.test_labels(self.episode.test)
        return self.task.inputs(items), self.task.targets(items, labels, len(self.dataset.class_names))


def _wake(device: torch.device) -> None:
    """Let a device load its libraries before anything is timed on it."""
    if device.type != "cpu":
        ones = torch.ones(8, 8, device=device)
        float((ones @ ones).sum())


def _shortened(text: str, most: int = 300) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@contextmanager
def _own_settings() -> Iterator[None]:
    """torch's process-wide settings as a cell expects them; what a plugin changes ends with its cell."""
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(THREADS)
    torch.set_default_dtype(torch.float32)
    # Adam's moments of units that fell silent decay into denormal numbers, which slow a step several times.
    torch.set_flush_denormal(True)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        torch.set_flush_denormal(False)


def _place(error: BaseException, cell: Cell) -> str:
    """Where in the plugin's file it happened, if there: ` (rule.py:12 in step)`."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(cell.ref.path)
    ]
    return f" ({cell.ref.path.name}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""
