"""A cell's part in a run: its data and budget, the plugin's calls, its learning curve and its score."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zorbench.baseline import Baseline, EntrySpec
from zorbench.cell import Cell, Outcome
from zorbench.clock import TrainingClock, synchronise
from zorbench.conditions import parse
from zorbench.config import make_config
from zorbench.data import Dataset, Episode, draw_episode, draw_tuning_episode, load
from zorbench.data.guard import DataShut, shut
from zorbench.diagnostics import diagnostics
from zorbench.entry import Entry
from zorbench.memory import PeakMemory
from zorbench.noise import add_noise
from zorbench.operations import MOST, OneMinibatch, learning_operations, prediction_operations
from zorbench.predict import ContractError, Diverged, check_bottleneck, predict
from zorbench.probes import depends_on_the_split
from zorbench.protocol import Budget
from zorbench.randomness import GlobalRandomness, derive_seed
from zorbench.registry import source_hash
from zorbench.strips import strip
from zorbench.tasks import TASKS, Task

THREADS = 1
ASKED_AGAIN = 8
"""Test items that are asked for again, one by one and in reverse."""
MOST_MOVED = 0.25
"""The share of them that may be answered otherwise: rounding may turn a spike over, here and there."""


def entry_episode(entry: Entry, dataset: Dataset, seed: int, *, tuning: bool = False) -> Episode:
    """The episode of (entry, seed), the same for every baseline. `tuning`: of the fifth kept for it."""
    if tuning:
        return draw_tuning_episode(
            dataset, shots=entry.shots, images=entry.images, validation=entry.validation, seed=seed
        )
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
    sha256: str = ""  # of all predictions, taken before the test targets are read


class Session:
    """A cell's part in a run: its data, budget, learning curve, last questions and score."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.entry = cell.entry
        self.task: type[Task] = TASKS[cell.entry.task]
        self.device = torch.device(cell.device)
        self.dataset = load(cell.entry.dataset, cell.data_root)
        self.episode = entry_episode(self.entry, self.dataset, cell.seed, tuning=cell.lane == "tuning")
        if self.episode.sha256 != cell.episode_sha256:
            raise ContractError("the data set changed between planning and running: run again")
        n_classes = len(self.dataset.class_names)
        self.spec = EntrySpec(
            task=self.task,
            input_shape=self.task.input_shape(self.dataset.shape),
            output_shape=self.task.output_shape(self.dataset.shape, n_classes),
            n_classes=n_classes,
            n_shots=len(self.episode.shots),
            samples=None if self._timed else self.entry.samples,
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
        self.import_seconds = 0.0
        self.shots = self._training_part(self.episode.shots)
        self.validation = self._training_part(self.episode.validation)

    @property
    def _timed(self) -> bool:
        """Whether time is the ceiling."""
        return self.cell.protocol == "time"

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Around whatever the plugin is asked to do: its own random state, data sets out of its reach."""
        with self.randomness.installed(), self._shut():
            yield

    @contextmanager
    def _shut(self) -> Iterator[None]:
        try:
            with shut(self.cell.data_root):
                yield
        except DataShut as error:
            raise ContractError(str(error)) from error

    def learn(self, plugin: Baseline, config: Any) -> tuple[Budget, dict[str, float], int | None]:
        """Build the rule and let it learn: the budget it has spent, its seconds, its peak of memory."""
        budget = self.budget(partial(self._training_checkpoint, plugin))
        self.memory.start()
        build_seconds = self._build(plugin, config)
        with self.calling():
            self.clock.resume()
            plugin.fit(budget)
            self.clock.pause()
        train, first_step = self.clock.seconds, self.clock.first_step
        seconds = {
            "import": self.import_seconds,
            "build": build_seconds,
            "first_step": train if first_step is None else first_step,
            "train": train,
        }
        return budget, seconds, self.memory.read()

    def new_plugin(self) -> tuple[Baseline, Any]:
        """The plugin, not built yet, and its configuration."""
        cell = self.cell
        if source_hash(cell.ref.path) != cell.source:
            raise ContractError("the plugin's code changed between planning and running: run again")
        with self.calling():
            start = time.perf_counter()
            plugin_class = cell.ref.load()
            self.import_seconds = time.perf_counter() - start
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
            samples=None if self._timed else self.entry.samples,
            seconds=self.entry.seconds if self._timed else None,
            batch=self.entry.batch,
            order_seed=self.episode.order_seed,
            clock=self.clock,
            checkpoint=checkpoint,
        )

    def checkpoint(self, plugin: Baseline, samples: int) -> None:
        """A point of the learning curve: error on the validation images, which no plugin sees, and layers."""
        inputs, targets = self.validation
        # Its own random state: looking at a rule must not change how it goes on learning.
        with GlobalRandomness(derive_seed("checkpoint", samples)).installed(), self._shut():
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
        with self.calling():
            parameters = plugin.state().values()
        with GlobalRandomness(derive_seed("operations")).installed(), self._shut():
            operations = prediction_operations(plugin, self.spec, self.validation[0][:MOST])
        inputs = self.test_inputs()
        prediction, seconds = self.predictions(plugin, inputs)
        self._check_split(plugin, inputs[:ASKED_AGAIN], prediction[:ASKED_AGAIN])
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
        return Answer(prediction, cost, seconds, noisy, _digest(prediction, *noisy.values()))

    def test_inputs(self) -> Tensor:
        """What is to be predicted. To be read after `fit`."""
        return self.task.inputs(self.dataset.test_inputs(self.episode.test))

    def predictions(self, plugin: Baseline, inputs: Tensor) -> tuple[Tensor, float]:
        """The rule's answers, unclipped, and the seconds it took."""
        with self.calling():
            start = time.perf_counter()
            prediction = predict(plugin, self.spec, inputs)
            return prediction, time.perf_counter() - start

    def test_labels(self) -> Tensor:
        """To be read after the plugin's last call."""
        return self.dataset.test_labels(self.episode.test)

    def _check_split(self, plugin: Baseline, inputs: Tensor, whole: Tensor) -> None:
        """Raise `ContractError` if answers depend on what is asked for along with them."""
        again = [self.predictions(plugin, one[None])[0] for one in inputs.flip(0)]
        moved = depends_on_the_split(whole, torch.cat(again).flip(0)) if again else 0.0
        if moved > MOST_MOVED:
            raise ContractError(
                f"asked for test items one by one, the rule answers {moved:.0%} of them otherwise than "
                f"asked for all at once: an answer must depend on its own input alone (statistics of the "
                f"batch? learning from what is to be predicted?)"
            )

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
        with GlobalRandomness(derive_seed("operations")).installed(), self._shut():
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
            prediction_sha256=answer.sha256,
            images=images,
        )

    def _under(self, condition: str, plugin: Baseline, inputs: Tensor) -> Tensor:
        """The rule's prediction for the test items under noise, which is the same for every rule."""
        seed = derive_seed("noise", self.episode.sha256, self.cell.seed, condition)
        noisy = add_noise(inputs, parse(condition), torch.Generator().manual_seed(seed))
        try:
            return self.predictions(plugin, noisy)[0]
        except Diverged as error:
            raise Diverged(f"{error} under {condition}") from error

    def _build(self, plugin: Baseline, config: Any) -> float:
        start = time.perf_counter()
        with self.calling():
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
        items, labels = self.dataset.test_inputs(self.episode.test), self.test_labels()
        return self.task.inputs(items), self.task.targets(items, labels, len(self.dataset.class_names))


def _wake(device: torch.device) -> None:
    """Let a device load its libraries before anything is timed on it."""
    if device.type != "cpu":
        ones = torch.ones(8, 8, device=device)
        float((ones @ ones).sum())


def _digest(*predictions: Tensor) -> str:
    digest = hashlib.sha256()
    for prediction in predictions:
        digest.update(prediction.contiguous().numpy().tobytes())
    return digest.hexdigest()
