"""The cells of one entry, lane by lane, with their keys."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from zorbench.baseline import offers_many
from zorbench.cell import RECORD_FORMAT, Cell, cell_key
from zorbench.config import config_values, make_config
from zorbench.data import Dataset, Episode
from zorbench.entry import Entry, Lane, Protocol
from zorbench.errors import InputError
from zorbench.registry import Row, source_hash
from zorbench.session import THREADS, entry_episode
from zorbench.tasks import TASKS
from zorbench.tuning import TUNING_SEEDS, Study, space, trials, why_unmatched

ROUNDS = 8
"""Rounds of the timing lane: every rule once in each, on the round's seed, and one of them twice."""


@dataclass(frozen=True)
class CellMaker:
    """Makes cells of one entry on one device."""

    entry: Entry
    dataset: Dataset
    device: str
    data_root: Path | None
    sources: Callable[[Path], str] = source_hash  # of a plugin's code

    def accuracy(self, row: Row, protocol: Protocol, seed: int) -> Cell:
        """What makes a figure of the tables. Under `tuned` its settings are left to the row's study."""
        if protocol != "tuned":
            return self._cell(row, protocol, "accuracy", seed)
        study = self._study(row)
        cell = self._cell(row, protocol, "accuracy", seed, study=study)
        if study is not None:
            cell = replace(cell, about=cell.about | {"config_source": "tuned"})
        return cell

    def trials(self, row: Row) -> list[Cell]:
        """Every trial of a row's study on every tuning seed; none for a rule with nothing to search."""
        study = self._study(row)
        if study is None:
            return []
        return [
            self._trial(row, study, number, seed)
            for number in range(len(study.settings))
            for seed in TUNING_SEEDS
        ]

    def timing(self, rows: list[Row]) -> list[Cell]:
        """Rounds in which every rule that can do the task runs once, in an order of the round's own.

        In each, one rule in turn runs twice, as far apart as the round allows: the A/A pair.
        """
        able = [row for row in rows if not self._unsupported(row, "samples")]
        cells = []
        for number in range(ROUNDS if able else 0):
            turn = number % len(able)
            order = able[turn:] + able[:turn]
            if number % 2:  # so that nobody always follows the same rule
                order = [order[0], *reversed(order[1:])]
            cells += [self._cell(row, "samples", "timing", number, repetition=2 * number) for row in order]
            cells.append(self._cell(order[0], "samples", "timing", number, repetition=2 * number + 1))
        return cells

    def probe(self, row: Row, seed: int) -> Cell:
        """The row learning from labels without information."""
        return self._cell(row, "samples", "probe", seed)

    def _study(self, row: Row) -> Study | None:
        """The row's trials; None for floors, and where there is nothing to search."""
        if row.label not in self._studies:
            self._studies[row.label] = self._new_study(row)
        return self._studies[row.label]

    def _new_study(self, row: Row) -> Study | None:
        searched = space(row.plugin.Config, row.settings)
        if row.plugin.role == "floor" or not searched or self._unsupported(row, "tuned"):
            return None
        settings = trials(searched, self.entry.trials)
        empty = Study("", tuple(settings), ())
        keys = tuple(
            tuple(self._trial(row, empty, number, seed).key for seed in TUNING_SEEDS)
            for number in range(len(settings))
        )
        return Study(cell_key(trials=keys), tuple(settings), keys)

    def _trial(self, row: Row, study: Study, number: int, seed: int) -> Cell:
        tried = replace(row, settings=row.settings | study.settings[number])
        cell = self._cell(tried, "tuned", "tuning", seed)
        about = cell.about | {"config_source": "trial"}
        return replace(cell, study=study, trial=number, about=about)

    def _cell(
        self,
        row: Row,
        protocol: Protocol,
        lane: Lane,
        seed: int,
        *,
        repetition: int = 0,
        study: Study | None = None,
    ) -> Cell:
        entry, source = self.entry, self.sources(row.ref.path)
        episode = self._episode(seed, lane == "tuning")
        about = self._about(row)
        limit = {"seconds": entry.seconds} if protocol == "time" else {}
        key = cell_key(
            format=RECORD_FORMAT,
            entry=entry.identity() | limit,
            suite=entry.suite,
            episode=episode.sha256,
            seed=seed,
            protocol=protocol,
            lane=lane,
            repetition=repetition,
            row=row.label,
            config=study.id if study else about["config"],
            source=source,
            device=self.device.partition(":")[0],
            threads=THREADS,
            dtype="float32",
            torch=torch_minor(),
        )
        unmatched = ""
        if protocol == "tuned":
            unmatched = why_unmatched(
                row.plugin.Config, space(row.plugin.Config, row.settings), row.plugin.role
            )
        return Cell(
            entry=entry,
            seed=seed,
            protocol=protocol,
            label=row.label,
            ref=row.ref,
            settings=row.settings,
            device=self.device,
            data_root=self.data_root,
            key=key,
            about=about,
            episode_sha256=episode.sha256,
            n_shots=len(episode.shots),
            source=source,
            torch=torch_minor(),
            unsupported=self._unsupported(row, protocol),
            classes=self.dataset.class_names if entry.task == "classification" else (),
            offers_many=offers_many(row.plugin),
            lane=lane,
            repetition=repetition,
            study=study,
            unmatched=unmatched,
        )

    def _about(self, row: Row) -> dict[str, Any]:
        """What a record says of its row."""
        plugin = row.plugin
        return {
            "baseline": plugin.name,
            "role": plugin.role,
            "yardstick": plugin.yardstick and row.label == plugin.name,
            "tags": asdict(plugin.tags),
            "config": config_values(row.config()),
            "config_source": row.config_source(TASKS[self.entry.task]),
        }

    def _unsupported(self, row: Row, protocol: Protocol) -> str:
        """Why this rule cannot do this entry; empty if it can."""
        task = TASKS[self.entry.task]
        if task not in row.plugin.tasks:
            return row.plugin.unsupported.get(task, "the plugin does not declare this task")
        if row.plugin.needs_images and len(self.dataset.shape) != 3:
            return f"needs images; items of {self.dataset.name} have shape {list(self.dataset.shape)}"
        return row.plugin.unsupported_protocols.get(protocol, "")

    @cached_property
    def _studies(self) -> dict[str, Study | None]:
        return {}

    @cached_property
    def _episodes(self) -> dict[tuple[int, bool], Episode]:
        return {}

    def _episode(self, seed: int, tuning: bool) -> Episode:
        if (seed, tuning) not in self._episodes:
            self._episodes[seed, tuning] = self._drawn(seed, tuning)
        return self._episodes[seed, tuning]

    def _drawn(self, seed: int, tuning: bool) -> Episode:
        entry, where = self.entry, f"suite {self.entry.suite}, entry {self.entry.name}"
        try:
            episode = entry_episode(entry, self.dataset, seed, tuning=tuning)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        if entry.test is not None and entry.test > len(episode.test) and not tuning:
            raise InputError(
                f"{where}: test = {entry.test}, but {self.dataset.name} has {len(episode.test)} to test on; "
                f"leave test out for all"
            )
        if entry.samples < len(episode.shots):
            raise InputError(
                f"{where}: samples = {entry.samples} is less than its {len(episode.shots)} shots; every shot "
                f"must be affordable once"
            )
        return episode


def settled(cell: Cell, records: dict[str, dict[str, Any]]) -> tuple[Cell, str]:
    """A tuned cell with the settings that its study has chosen; or it and why there are none."""
    study = cell.study
    if study is None or cell.lane != "accuracy":
        return cell, ""
    number = study.chosen(records)
    if number is None:
        return cell, f"none of its {len(study.settings)} trials succeeded"
    settings = cell.settings | study.settings[number]
    config = config_values(make_config(cell.ref.load().Config, settings, cell.label))
    return replace(cell, settings=settings, trial=number, about=cell.about | {"config": config}), ""


def torch_minor() -> str:
    """Major and minor version."""
    return ".".join(torch.__version__.split(".")[:2])
