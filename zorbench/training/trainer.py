"""Training one of the published one-spike networks whole: stage by stage, on features kept for each."""

import time
from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from zorbench.data import Dataset
from zorbench.data.seeding import derived_seed
from zorbench.environment import describe_environment
from zorbench.errors import InputError
from zorbench.spiking.learner import OneSpikeNet
from zorbench.training.board import note
from zorbench.training.folder import Folder
from zorbench.training.history import DECISION, Row, given_up, prefixed, selected, shares
from zorbench.training.progress import Progress
from zorbench.training.samples import Part, coding_of, order_of, public_name, raised, split
from zorbench.training.scores import scored
from zorbench.training.settings import Settings


class Training:
    """A network, its images and how far it is. `run()` goes on from there, to the end.

    Each epoch ends with a checkpoint; all randomness is a function of the seed, the stage and the epoch. So a
    training that was interrupted reaches the same bits as one that was not.
    """

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        """Raises `InputError` where data set and settings do not fit; nothing is learned or written yet."""
        self.settings, self.dataset, self.coding = settings, dataset, coding_of(dataset)
        try:
            sides = self.coding.sides(*dataset.shape[1:])
            settings.described.shapes(self.coding.inputs, *sides)
        except ValueError as error:
            raise InputError(f"{dataset.name}: {error}") from None
        self.parts = split(dataset, settings.held_out(dataset.n_train), settings.seed)
        self.net = OneSpikeNet(
            settings.described,
            classes=len(dataset.class_names),
            inputs=self.coding.inputs,
            steps=self.coding.steps,
            generator=torch.Generator().manual_seed(derived_seed("weights", settings.seed)),
        )
        self.environment = describe_environment()
        self._kept: tuple[str, Tensor] | None = None  # a stage, and what reaches it
        self._looked: dict[str, Tensor] = {}

    def record(self) -> dict[str, Any]:
        """What a training that goes on must agree with."""
        settings = self.settings.record() | {"validation": len(self.parts.validation)}
        return settings | {"dataset": public_name(self.dataset), "fingerprint": self.dataset.fingerprint}

    def run(self, folder: Folder, say: Progress, board: Any = None) -> None:
        """Learn what is not learned yet, test, and leave `result.json` and `folder.result`."""
        if folder.rows:
            row = folder.rows[-1]
            self.net.load(folder.load(row))
            say.line(f"{folder.path}: goes on after {row.stage} epoch {row.epoch}")
        for stage, epochs in self.settings.schedule:
            done = max((row.epoch for row in folder.rows if row.stage == stage), default=0)
            for epoch in range(done + 1, epochs + 1):
                if given_up(folder.rows, self.settings):
                    say.line(f"no better epoch in the last {self.settings.patience}: stops here")
                    break
                images = len(self.parts.training)
                times = self._climb(stage, say)
                say.begin(f"{stage} epoch {epoch}/{epochs}", images, images * (epochs - epoch))
                row = self._epoch(stage, epoch, times, say)
                folder.save(row, self.net.state(), self.settings.select_on)
                say.ended(row, images, epochs)
                if board is not None:
                    note(board, row)
        folder.write_result(self._result(folder, say), self.settings.select_on)

    # An epoch

    def _epoch(self, stage: str, epoch: int, times: Tensor, say: Progress) -> Row:
        order = order_of(self.settings.seed, stage, epoch, len(times))
        begin = time.perf_counter()
        if stage != DECISION:
            self._learn_layer(stage, times, order, say)
            seconds, weight = time.perf_counter() - begin, self.net.weights[stage]
            return Row(stage, epoch, seconds, convergence=float((weight * (1 - weight)).double().mean()))
        right, wrong, silent = self._learn_to_decide(epoch, times, order, say)
        seconds = time.perf_counter() - begin
        return Row(stage, epoch, seconds, None, right, wrong, silent, **self._looked_at(say))

    def _learn_layer(self, stage: str, times: Tensor, order: Tensor, say: Progress) -> None:
        done = 0
        for batch in order.split(self.settings.batch):
            self.net.learn_layer(stage, times, batch)
            done += len(batch)
            say.at(done)

    def _learn_to_decide(
        self, epoch: int, times: Tensor, order: Tensor, say: Progress
    ) -> tuple[float, float, float]:
        labels, done, classes = self.parts.training.labels, 0, []
        for batch in order.split(self.settings.batch):
            classes.append(self.net.learn_to_decide(times, labels, batch, epoch=epoch - 1).classes)
            done += len(batch)
            say.at(done)
        return shares(torch.cat(classes), labels[order])

    def _looked_at(self, say: Progress) -> dict[str, float]:
        """Shares of validation and, where asked, test images after an epoch by reward."""
        wanted = {"validation": bool(len(self.parts.validation)), "test": self.settings.tests_every_epoch}
        found: dict[str, float] = {}
        for name in (name for name, is_wanted in wanted.items() if is_wanted):
            part = getattr(self.parts, name)
            found |= prefixed(name, shares(self.net.decide(self._reaching(name, say)), part.labels))
        return found

    # What reaches a stage

    def _climb(self, stage: str, say: Progress) -> UInt8[Tensor, "n below rows columns"]:
        """What reaches a stage of the training images, kept until a stage above asks."""
        images = len(self.parts.training)
        if self._kept is None:
            say.begin(f"encoding for {stage}", images)
            times = self.parts.training.reaching(self.net, self.coding, stage, say.at)
        else:
            start, times = self._kept
            say.begin(f"what reaches {stage}", images)
            times = raised(self.net, times, start, stage, say.at)
        self._kept = stage, times
        return times

    def _reaching(self, part: str, say: Progress) -> UInt8[Tensor, "n below rows columns"]:
        """What reaches the decision of another part; no layer below changes any more once that is asked."""
        if part not in self._looked:
            images: Part = getattr(self.parts, part)
            say.begin(f"encoding {part} images", len(images))
            self._looked[part] = images.reaching(self.net, self.coding, DECISION, say.at)
        return self._looked[part]

    # The end

    def _result(self, folder: Folder, say: Progress) -> dict[str, Any]:
        best = selected(folder.rows, self.settings.select_on)
        assert best is not None, "the decision has one epoch at least"
        last, scores = folder.rows[-1], dict[str, Any]()
        for name, row in (("selected", best), ("last", last)):
            if name == "last" and row == best:
                scores[name] = scores["selected"]
                continue
            self.net.load(folder.load(row))
            scores[name] = scored(self.net, self._reaching("test", say), self.parts.test.labels)
        seconds = {stage: 0.0 for stage, _ in self.settings.schedule}
        for row in folder.rows:
            seconds[row.stage] += row.seconds
        parts = ("training", "validation", "test")
        return {
            "network": self.settings.network,
            "dataset": public_name(self.dataset),
            "classes": list(self.dataset.class_names),
            "images": {part: len(getattr(self.parts, part)) for part in parts},
            "coding": asdict(self.coding),
            "selected_on": self.settings.select_on,
            "selected_epoch": best.epoch,
            "last_epoch": last.epoch,
            "test": scores,
            "seconds": seconds,
            "threads": torch.get_num_threads(),
            **self.environment,
        }
