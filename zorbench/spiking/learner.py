"""The one learner of all `networks`: layers by unsupervised STDP, then the decision by reward."""

from typing import Any

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from zorbench.spiking import greedy
from zorbench.spiking.reinforced import Rules, Verdicts, learn_as_ensemble, learn_jointly
from zorbench.spiking.stdp import Doubling
from zorbench.spiking.wired import WiredNet


class OneSpikeNet(WiredNet):
    """A network that learns stage by stage, in the order of `stages`, on first-spike times that callers keep.

        net = OneSpikeNet("mozafari2018", classes=10)
        cached = net.features(times, "layer1")    # what a stage gets: worked out once, when those below it
        net.learn_layer("layer1", cached)         # have learned, and met again in every epoch
        ...
        cached = net.features(times, "decision")
        net.learn_to_decide(cached, labels, order)    # one batch
        net.decide(net.features(new, "decision"))

    In a network that learns jointly the decision's input is that of the layer which goes on learning.
    """

    def __init__(self, *arguments: Any, doubling: Doubling = Doubling(), **options: Any) -> None:  # noqa: B008
        """As `WiredNet`. `doubling`: the course of the layers' rates."""
        super().__init__(*arguments, **options)
        self.doubling = doubling
        layers = [name for name, _, _ in self.network.placed()]
        # How often a layer's rates have doubled, and samples since the last time: of a level, so that
        # branches go on from one another's count.
        self.doublings = dict.fromkeys(layers, 0)
        self.since = [0] * len(self.network.layers)
        # Shares of wrong and of right decisions in the last batch, which scale rewards and punishments.
        joint = layers[-1:] if self.network.joint else []
        self.shares: dict[str, tuple[float, float]] = dict.fromkeys(["decision", *joint], (1.0, 1.0))
        self.batches = 0

    # Unsupervised

    def learn_layer(
        self,
        stage: str,
        times: UInt8[Tensor, "samples below height width"],
        order: Int[Tensor, " n"] | None = None,
    ) -> Int[Tensor, "n k 3"]:
        """STDP of one layer on its cached input, the samples of `order` one after the other. Their winners.

        Rates go on doubling from where the last call has left them.
        """
        level, layer = self.network.layer(stage)
        self._check_maps(times, self.weights[stage].shape[1])
        count = len(times if order is None else order)
        seen = self.doublings[stage] * self.doubling.every + self.since[level]
        found = greedy.learn(
            self.weights[stage],
            times,
            layer.rule,
            threshold=layer.threshold,
            k=layer.k,
            radius=layer.radius,
            steps=self.steps,
            padding=layer.padding,
            order=order,
            rates=self.doubling.rates(layer.rule, seen, count),
            lexicographic=self.lexicographic,
        )
        self.doublings[stage], self.since[level] = divmod(seen + count, self.doubling.every)
        return found

    # By reward

    def rules(self, stage: str) -> Rules:
        """Reward and punishment with which `stage` ("decision", or a jointly learning layer) learns next."""
        base = self.network.joint if stage != "decision" else self.network.decision
        if base is None or stage not in self.shares:
            raise ValueError(f"{stage!r} does not learn by reward in {self.network.name}")
        wrong, right = self.shares[stage]
        return base.reward.scaled(wrong), base.punishment.scaled(right)

    def learn_to_decide(
        self,
        cached: UInt8[Tensor, "samples below height width"],
        labels: Int[Tensor, " samples"],
        order: Int[Tensor, " n"] | None = None,
        *,
        epoch: int = 0,
    ) -> Verdicts:
        """R-STDP with one batch, the samples of `order`; then rates follow its shares, for the next batch.

        `epoch`, from 0, is asked for by the schedules of joint training alone.
        """
        order = torch.arange(len(cached)) if order is None else order.long()
        self._check_batch(cached, labels, order)
        verdicts = self._learn_batch(cached, labels, order, epoch)
        right = int((verdicts.classes == labels[order]).sum()) / len(order)
        wrong = int(((verdicts.classes != labels[order]) & (verdicts.classes >= 0)).sum()) / len(order)
        self.batches += 1
        # As in the source, rates change of what would learn next in this epoch.
        layer, decision = self._turns(epoch)
        for stage in self.shares:
            if decision if stage == "decision" else layer:
                self.shares[stage] = wrong, right
        return verdicts

    def _turns(self, epoch: int) -> tuple[bool, bool]:
        joint = self.network.joint
        return joint.turns(epoch, self.batches) if joint else (False, True)

    def _learn_batch(self, cached: Tensor, labels: Tensor, order: Tensor, epoch: int) -> Verdicts:
        weights = [self.weights[name] for name in self.network.deciders]
        options: dict[str, Any] = {"steps": self.steps, "lexicographic": self.lexicographic}
        decision = self.network.decision
        layer_learns, decision_learns = self._turns(epoch)
        if layer_learns:
            name, _, layer = list(self.network.placed())[-1]
            rules = self.rules(name), self.rules("decision") if decision_learns else None
            both = self.weights[name], weights[0]
            return learn_jointly(layer, decision, both, rules, cached, labels, order, **options)
        if self.network.joint:  # the layer stays as it is in this batch
            cached, labels = self._last(cached[order]), labels[order]
            order = torch.arange(len(order))
        if decision.judge == "ensemble" and len(weights) > 1:
            rule = self.rules("decision")
            return learn_as_ensemble(decision, weights, rule, cached, labels, order, **options)
        options |= {"order": order, "padding": decision.padding}
        meanings = labels, self.map_classes, *self.rules("decision")
        said = [greedy.learn_to_decide(weight, cached, *meanings, **options) for weight in weights]
        votes = torch.stack([one.classes for one in said], dim=1)
        return Verdicts(self._agreed(votes), votes, torch.stack([one.winners for one in said], dim=1))

    def _check_batch(self, cached: Tensor, labels: Tensor, order: Tensor) -> None:
        self._check_decision(cached)
        if len(labels) != len(cached):
            raise ValueError(f"{len(cached)} samples need as many labels, got {len(labels)}")
        if labels.is_floating_point() or not bool(((labels >= 0) & (labels < self.classes)).all()):
            raise ValueError(f"labels must be whole numbers from 0 to {self.classes - 1}")
        if len(order) == 0:
            raise ValueError("a batch needs at least one sample")
        if not (int(order.min()) >= 0 and int(order.max()) < len(cached)):
            raise ValueError(f"the order names samples outside of 0 … {len(cached) - 1}")

    # To go on from

    def state(self) -> dict[str, Tensor]:
        """All that learning has changed: what is loaded with it goes on to the same bits."""
        counters = {f"{stage}.doublings": torch.tensor(n) for stage, n in self.doublings.items()}
        shares = {
            f"{stage}.shares": torch.tensor(two, dtype=torch.float64) for stage, two in self.shares.items()
        }
        weights = {
            f"{name}.weight": weight.clone(memory_format=torch.contiguous_format)
            for name, weight in self.weights.items()
        }
        both = {"since": torch.tensor(self.since), "batches": torch.tensor(self.batches)}
        return weights | counters | shares | both

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over a `state()` of the same network. Raises `ValueError` if it is another's."""
        mine = self.state()
        wrong = sorted(mine.keys() ^ state.keys())
        wrong += sorted(name for name in mine.keys() & state.keys() if mine[name].shape != state[name].shape)
        if wrong:
            raise ValueError(f"this is no state of {self.network.name} for {self.classes} classes: {wrong}")
        for name, weight in self.weights.items():
            weight.copy_(state[f"{name}.weight"])
        self.doublings = {stage: int(state[f"{stage}.doublings"]) for stage in self.doublings}
        for stage in self.shares:
            wrong_share, right_share = state[f"{stage}.shares"].tolist()
            self.shares[stage] = wrong_share, right_share
        self.since, self.batches = state["since"].tolist(), int(state["batches"])
