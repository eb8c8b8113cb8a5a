"""STDP and reward-modulated STDP: convolutional networks of neurons that fire at most once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from _precise import double
from _ridge import leading, ridge_weights
from torch import Tensor, nn

from zorbench import (
    Baseline,
    Budget,
    Classification,
    Colorization,
    EntrySpec,
    Reconstruction,
    Tags,
    choice,
    search,
)
from zorbench.spiking.filters import digit_bank
from zorbench.spiking.first_spikes import encode
from zorbench.spiking.learner import OneSpikeNet
from zorbench.spiking.networks import NETWORKS, Network
from zorbench.spiking.stdp import STDP, Doubling
from zorbench.spiking.stdp import update as adapt

CHUNK = 100  # presentations of an unsupervised layer between two looks at the budget
STEPS = 15  # T

_FIRST = "mozafari2018"


class _OneSpike(Baseline):
    """What both plugins share: layers that learn by STDP, one after the other, on the shots' first spikes."""

    needs_images = True
    unsupported_protocols = {"time": "the rates of its layers double after numbers of presentations"}
    time_steps = STEPS
    net: OneSpikeNet
    draw: torch.Generator

    def _start(self, described: Network, entry: EntrySpec, doublings: float, share: float) -> None:
        """The untrained network; a layer's rates double `doublings` times within its share of the budget."""
        described.shapes(6, *entry.input_shape[1:])  # refuses images that are too small
        assert entry.samples is not None, "its rates double by presentations"
        spent = (entry.samples - entry.n_shots) * share / (len(described.stages) - 1)  # on a layer
        self.net = OneSpikeNet(
            described,
            classes=max(entry.n_classes, 2),
            steps=STEPS,
            generator=self.draw,
            doubling=Doubling(every=max(1, round(spent / doublings))),
        )
        self.bank = digit_bank()

    @property
    def _layers(self) -> Sequence[str]:
        return self.net.stages[:-1]

    def _times(self, inputs: Tensor) -> Tensor:
        return encode(inputs.cpu(), self.bank, steps=STEPS)

    def update(self, pre: Tensor, post: Tensor, signal: Tensor, w: Tensor) -> Tensor:
        """The change of one window's weights w [n_in, n_out] by winners, one sample after the other.

        Activity (T − t)/T stands for a first spike at t, 0 for none; a winner's signal is its reward or
        punishment, 0 in a layer without. Weights are shared: those of all windows change with the winner's.
        """
        weight = w.T[:, :, None, None].clone()
        pre_times, post_times = (((1 - part) * STEPS).round().to(torch.uint8) for part in (pre, post))
        for times, posts, signals in zip(pre_times, post_times, signal, strict=True):
            for unit in torch.nonzero(posts < STEPS):
                rule, winner = self._rule(float(signals[unit])), torch.tensor([[int(unit), 0, 0]])
                adapt(weight, times[None, :, None, None], winner, posts[unit], rule, steps=STEPS)
        return weight[:, :, 0, 0].T - w

    def _rule(self, signal: float) -> STDP:
        """By which a winner learns that gets this signal."""
        _, _, layer = next(iter(self.net.network.placed()))
        return layer.rule

    def _learn_layers(self, times: Tensor, budget: Budget, share: float) -> None:
        """Layer after layer, with so large a share of what is left once the shots are handed out."""
        begin, each = budget.seen, budget.remaining * share / len(self._layers)
        for number, stage in enumerate(self._layers, 1):
            cached = self.net.features(times, stage)
            for order in self._orders(budget, begin + round(each * number), CHUNK):
                self.net.learn_layer(stage, cached, order)

    def _orders(self, budget: Budget, until: int, most: int) -> Iterator[Tensor]:
        """Indices of shots, each before any again, in pieces of at most `most`, until so many are seen."""
        while budget.seen < until:
            for order in torch.randperm(budget.n_shots, generator=self.draw).split(most):
                left = until - budget.seen
                if left > 0:
                    budget.take(order[:left])
                    yield order[:left]

    def _counted(self, inputs: Tensor, deciders: Sequence[str]) -> dict[str, float]:
        """Operations of the layers, and of the `deciders`, whose compiled loops torch does not see.

        A spike adds one weight to each neuron that it reaches, once in T steps; dense is every synapse at
        each step. The filters multiply. Learning changes the weights of as many windows as there are winners;
        the one signal that travels is the reward.
        """
        net, times = self.net, self._times(inputs)
        pairs, changes, silent = 0.0, 0.0, []
        filters = float(self.bank.numel() * inputs[0].numel())
        dense = filters
        parts = [(name, name, layer.padding, layer.k) for name, _, layer in net.network.placed()]
        parts += [(name, "decision", net.network.decision.padding, 1) for name in deciders]
        for name, stage, padding, winners in parts:
            weight = net.weights[name]
            reaching = net.reaching(times, stage)
            reached = nn.functional.conv2d(
                (reaching < STEPS).float(), torch.ones(1, *weight.shape[1:]), padding=padding
            )
            pairs += float(reached.sum()) / len(inputs) * len(weight)
            dense += STEPS * weight.numel() * reached[0].numel()
            changes += winners * weight[0].numel()
            silent.append(float((reaching >= STEPS).float().mean()))
        return {
            "macs": filters,
            "acs": pairs,
            "dense": dense,
            "activation_sparsity": sum(silent[1:]) / max(len(silent) - 1, 1),
            "forward_macs": dense,
            "update_macs": changes,
            "transport_macs": 0.0,
        }


class OneSpike(_OneSpike):
    """Networks of first spikes: layers by STDP, then a decision layer by R-STDP, whose first spike decides.

    Winners' weights move by a (w − LB)(UB − w), a = a⁺ for inputs that fired by then, else a⁻; in the
    decision layer by a, reward or punishment. The class is the network's own decision; silence abstains.

    Rows are the published networks (`zorbench.spiking.networks`), and `random_conv`: the first with layers
    that stay random, a control. With few presentations the published rates move hardly any weight: here those
    of layers double `doublings` times within their share of the budget, and those of the decision are `rate`
    times the published ones. Sources: Mozafari et al., Pattern Recognition 94 (2019), for mozafari2018;
    aidinattar/snn for the others. `zorbench train` has their own protocol.
    """

    name = "mozafari2018"
    tasks = {Classification}
    unsupported = dict.fromkeys(
        (Reconstruction, Colorization), "decides for a class; stdp_ridge does this task"
    )
    variants = {
        **{name: {"network": name} for name in NETWORKS if name != _FIRST},
        "random_conv": {"learns": "decision"},
    }
    only_named = {"random_conv", *NETWORKS} - {_FIRST}
    known_failures = dict.fromkeys(
        ("learns", "learns-with-every-seed"),
        "with the 2,000 presentations of this check, those with a third layer name one class for nearly all "
        "images: deep2024 and inception2024, and from some seeds deepr2024 and deepr2024_2",
    )
    tags = Tags(
        local=True,
        chooses_samples=True,
        optimiser="none (bounded steps)",
        initialisation="N(0.8, 0.05)",
        output="first spike",
    )

    @dataclass(frozen=True)
    class Config:
        network: str = choice(_FIRST, *(name for name in NETWORKS if name != _FIRST))
        schedule: str = choice(
            "", "together", "source", "alternate", "greedy"
        )  # of joint learning; "": its own
        unsupervised: float = search(0.5, low=0.05, high=0.9)  # share of the budget for the layers
        doublings: float = search(
            8.0, low=1.0, high=20.0, log=True
        )  # of a layer's rates, until they are 0.15
        rate: float = search(10.0, low=1.0, high=100.0, log=True)  # of rewards and punishments, × published
        adaptation: int = 100  # decisions after which rewards are scaled anew; published: 1,000
        learns: str = choice("all", "decision")  # "decision": layers keep weights drawn from 0 … 1

        def __post_init__(self) -> None:
            if self.adaptation < 1:
                raise ValueError(f"adaptation must be at least 1, got {self.adaptation}")
            if not 0 < self.unsupervised < 1:
                raise ValueError(f"unsupervised must be between 0 and 1, got {self.unsupervised}")
            if self.schedule and NETWORKS[self.network].joint is None:
                raise ValueError(f"only networks that learn jointly have a schedule; {self.network} does not")

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.config, self.draw = config, rng
        described, decision = NETWORKS[config.network], NETWORKS[config.network].decision
        if described.joint is not None and config.schedule:
            joint: Any = replace(described.joint, schedule=config.schedule)  # type: ignore[arg-type]
            described = replace(described, joint=joint)
        rules = {"reward": decision.reward, "punishment": decision.punishment}
        scaled: Any = {name: rule.scaled(config.rate) for name, rule in rules.items()}
        described = replace(described, decision=replace(decision, **scaled))
        self._start(described, entry, config.doublings, config.unsupervised)
        if config.learns == "decision":
            for stage in self._layers:
                self.net.weights[stage].uniform_(generator=rng)

    def fit(self, budget: Budget) -> None:
        inputs, targets = budget.shots()
        times, labels = self._times(inputs), targets.argmax(dim=1).cpu()
        if self.config.learns == "all":
            self._learn_layers(times, budget, self.config.unsupervised)
        cached = self.net.features(times, "decision")
        for order in self._orders(budget, budget.seen + budget.remaining, self.config.adaptation):
            self.net.learn_to_decide(cached, labels, order, epoch=budget.seen // len(times))

    def predict(self, inputs: Tensor) -> Tensor:
        return self.net.scores(self.net.features(self._times(inputs), "decision"))

    def _rule(self, signal: float) -> STDP:
        reward, punishment = self.net.rules("decision")
        return super()._rule(signal) if signal == 0 else reward if signal > 0 else punishment

    def state(self) -> dict[str, Tensor]:
        """The weights."""
        return dict(self.net.weights)

    def operations(self, inputs: Tensor) -> Mapping[str, float]:
        return self._counted(inputs, self.net.network.deciders)


class STDPRidge(_OneSpike):
    """Features of the layers of mozafari2018, learned by STDP, and ridge regression of the images from them.

    A feature is (T − t)/T: 1 for a neuron that fires at once, 0 for one that never does. In reconstruction
    the regression has rank `code`, and what lies between its two factors is the code. The read-out is
    borrowed: the network has none for images. See `OneSpike`.
    """

    name = "stdp_ridge"
    tasks = {Reconstruction, Colorization}
    unsupported = {Classification: "mozafari2018 does this task by its own decision"}
    only_named = {"stdp_ridge"}
    tags = Tags(
        local=True,
        chooses_samples=True,
        readout="ridge",
        optimiser="none (bounded steps); closed form",
        initialisation="N(0.8, 0.05)",
        output="linear",
    )

    @dataclass(frozen=True)
    class Config:
        doublings: float = search(
            8.0, low=1.0, high=20.0, log=True
        )  # of a layer's rates, until they are 0.15
        alpha: float = search(0.1, low=1e-4, high=1e2, log=True)  # penalty, in mean squared norms of a shot

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.draw, self.alpha, self.shape = rng, config.alpha, entry.output_shape
        self.rank = entry.code if entry.task is Reconstruction else None
        self._start(NETWORKS[_FIRST], entry, config.doublings, 1.0)
        self.readout: tuple[Tensor, ...] = ()

    def fit(self, budget: Budget) -> None:
        inputs, targets = budget.shots()
        times = self._times(inputs)
        self._learn_layers(times, budget, 1.0)
        features, images = double(self._features(times)), double(targets.flatten(1).cpu())
        middle, mean = features.mean(dim=0), images.mean(dim=0)
        weights = ridge_weights(features - middle, images - mean, self.alpha)
        kept = leading(images - mean, (features - middle) @ weights, self.rank or images.shape[1])
        self.readout = tuple(part.float() for part in (middle, weights @ kept, kept.T, mean))

    def encode(self, inputs: Tensor) -> Tensor:
        features = self._features(self._times(inputs))
        if not self.readout:  # nothing is learned yet
            return features.new_zeros(len(inputs), 1)
        return (features - self.readout[0]) @ self.readout[1]

    def decode(self, codes: Tensor) -> Tensor:
        codes = codes.cpu()
        if not self.readout:
            return codes.new_zeros(len(codes), *self.shape)
        return (self.readout[3] + codes @ self.readout[2]).view(-1, *self.shape)

    def _features(self, times: Tensor) -> Tensor:
        return ((STEPS - self.net.features(times, "decision").float()) / STEPS).flatten(1)

    def state(self) -> dict[str, Tensor]:
        """The weights of the layers, and the read-out."""
        weights = {name: self.net.weights[name] for name in self._layers}
        return weights | {f"readout{k}": part for k, part in enumerate(self.readout)}

    def operations(self, inputs: Tensor) -> Mapping[str, float]:
        counts = self._counted(inputs, ())
        readout = float(sum(part.numel() for part in self.readout[1:3]))
        return counts | {name: counts[name] + readout for name in ("macs", "dense", "forward_macs")}
