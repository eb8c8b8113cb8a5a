"""A network of `networks` with its weights: what reaches each stage, what it decides, and how sure it is."""

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from zorbench.spiking.firing import decide, fire_times, last_potentials
from zorbench.spiking.first_spikes import check_byte, padded, pooled
from zorbench.spiking.networks import Branches, Layer, Network, network
from zorbench.spiking.rows import laid_out
from zorbench.spiking.votes import class_potentials, majority, scores

CHUNK = 512  # samples that go through several layers at once: what lies between takes a few tens of MB


class WiredNet:
    """Weights by stage ("decision_a", … for branches that vote), and first-spike times on their way up.

    Weights start as N(`mean`, `std`), not clamped, drawn from `generator` in the order of the stages.
    `lexicographic`: see `winners`.
    """

    def __init__(
        self,
        described: Network | str,
        *,
        classes: int,
        inputs: int = 6,
        steps: int = 15,
        generator: torch.Generator | None = None,
        mean: float = 0.8,
        std: float = 0.05,
        lexicographic: bool = False,
    ) -> None:
        check_byte(steps)
        if classes < 2 or inputs < 1:
            raise ValueError(f"a network has at least 2 classes and 1 map of inputs, got {classes}, {inputs}")
        self.network = network(described) if isinstance(described, str) else described
        self.stages = self.network.stages
        self.classes, self.inputs, self.steps, self.lexicographic = classes, inputs, steps, lexicographic
        self.weights: dict[str, Tensor] = {
            name: laid_out(torch.empty(size).normal_(mean, std, generator=generator))
            for name, size in self.network.sizes(inputs, classes).items()
        }

    @property
    def map_classes(self) -> Int[Tensor, " maps"]:
        """The class of each decision map."""
        return torch.arange(self.classes).repeat_interleave(self.network.decision.per_class)

    def features(
        self, times: UInt8[Tensor, "n maps height width"], stage: str, *, start: str | None = None
    ) -> UInt8[Tensor, "n below rows columns"]:
        """What reaches `stage`: pooled first-spike times, without inhibition.

        `times` are an encoded image's, or with `start` what reaches that stage, from an earlier call.
        """
        first, last = self.network.level(start or self.stages[0]), self.network.level(stage)
        if first > last:
            raise ValueError(f"{stage} comes before {start}: from its input there is no way back")
        if start is None:
            self._check_maps(times, self.inputs)
            self.network.shapes(*times.shape[1:])
        if first == last:
            return times
        return torch.cat([self._through(chunk, first, last) for chunk in times.split(CHUNK)])

    def reaching(
        self, times: UInt8[Tensor, "n maps height width"], stage: str
    ) -> UInt8[Tensor, "n below rows columns"]:
        """What reaches the weights of a stage: of a decision, what is above all layers, joint or not."""
        cached = self.features(times, stage)
        return self._last(cached) if stage == "decision" else cached

    def _through(self, times: Tensor, first: int, last: int) -> Tensor:
        for level in range(first, last):
            layer, names = self.network.layers[level], self._names(level)
            if isinstance(layer, Branches):
                fired = [
                    padded(self._fire(name, one, times), frame, self.steps)
                    for name, one, frame in zip(names, layer.layers, layer.frames, strict=True)
                ]
                times = pooled(torch.cat(fired, dim=1), layer.pool)
            else:
                times = self._fire(names[0], layer, times)
        return times

    def _names(self, level: int) -> list[str]:
        return [name for name, its, _ in self.network.placed() if its == level]

    def _fire(self, name: str, layer: Layer, times: Tensor) -> Tensor:
        options = {"steps": self.steps, "padding": layer.padding, "pool": layer.pool}
        return fire_times(times, self.weights[name], layer.threshold, **options)

    def _agreed(self, votes: Tensor) -> Tensor:
        return majority(votes) if votes.shape[1] > 1 else votes[:, 0]

    def _last(self, cached: Tensor) -> Tensor:
        """What the decision's own weights get, of what is cached for the stage."""
        levels = self.network.level("decision"), len(self.network.layers)
        return self._through(cached, *levels) if levels[0] < levels[1] else cached

    def votes(self, cached: UInt8[Tensor, "n below height width"]) -> Int[Tensor, "n branches"]:
        """The class that each branch decides for; −1: silence."""
        self._check_decision(cached)
        padding, named = self.network.decision.padding, torch.cat([self.map_classes, torch.tensor([-1])])
        votes = torch.empty(len(cached), len(self.network.deciders), dtype=torch.int64)
        for chunk, into in zip(cached.split(CHUNK), votes.split(CHUNK), strict=True):
            last, options = self._last(chunk), {"steps": self.steps, "padding": padding}
            for branch, name in enumerate(self.network.deciders):
                found = decide(last, self.weights[name], lexicographic=self.lexicographic, **options)
                into[:, branch] = named[found[:, 0].long()]  # the last entry for −1
        return votes

    def decide(self, cached: UInt8[Tensor, "n below height width"]) -> Int[Tensor, " n"]:
        """Classes; −1: silence. `cached`: `features(…, "decision")`."""
        return self._agreed(self.votes(cached))

    def scores(self, cached: UInt8[Tensor, "n below height width"]) -> Float[Tensor, "n classes"]:
        """Rows that add up to 1 and are largest where the network decides, or 0 all over (see `votes`)."""
        votes, per_class = self.votes(cached), self.network.decision.per_class
        rows = []
        for chunk in cached.split(CHUNK):
            last, options = self._last(chunk), {"padding": self.network.decision.padding}
            rows.append(
                torch.stack(
                    [
                        class_potentials(
                            last_potentials(last, self.weights[name], steps=self.steps, **options), per_class
                        )
                        for name in self.network.deciders
                    ]
                )
            )
        return scores(torch.cat(rows, dim=1), votes, self._agreed(votes))

    def _check_maps(self, times: Tensor, maps: int) -> None:
        if times.ndim != 4 or times.dtype != torch.uint8 or times.shape[1] != maps:
            raise ValueError(
                f"{self.network.name} takes first-spike times here, uint8 [samples, {maps}, height, width], "
                f"got {times.dtype} {list(times.shape)}"
            )

    def _check_decision(self, cached: Tensor) -> None:
        """Raise `ValueError` unless `cached` can be what reaches the stage "decision"."""
        name = self.network.deciders[0] if self.network.joint is None else self.stages[-2]
        self._check_maps(cached, self.weights[name].shape[1])
