"""Many networks of the current rule trained as one batched computation."""

import os
from collections.abc import Sequence

import torch

from zorbench.zor.analog import Zor
from zorbench.zor.initial import Init, own_generator
from zorbench.zor.layer import Layer
from zorbench.zor.network import PUBLISHED_GAIN, GatedNetwork
from zorbench.zor.precision import Precision


class ZorEnsemble(Zor):
    """S independent copies of one network: own weights, own optimiser state, own batches.

    All that `Zor` does, with a first axis of length S before the batch: train_batch takes x [S, batch, *n_0]
    and t [S, batch, *n_L], predict gives [S, batch, *n_L], weights are [S, n_l, n_{l+1}]. The arithmetic is
    that of each network alone, in matrix products of S pairs; only the order of sums inside a product may
    differ.

    Layers of type `Layer` only. `network` takes a copy out.
    """

    layer_types = (Layer,)

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        init: Init = "normal",
        gain: float = PUBLISHED_GAIN,
        compile: bool = False,
        precision: Precision = "full",
        seeds: Sequence[int] | None = None,
        generators: Sequence[torch.Generator] | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """As `Zor`, with a seed or a generator for each copy. Raises ValueError as it, and without any."""
        if (seeds is None) == (generators is None):
            raise ValueError("expected seeds or generators, one for each copy, and not both")
        self._check_rule(lr, weight_decay, precision)
        own = [own_generator(seed, None) for seed in seeds or ()] or [
            own_generator(None, generator) for generator in generators or ()
        ]
        if not own:
            raise ValueError("expected at least one copy, got none")
        GatedNetwork.__init__(
            self, layers, own, stacked=True, init=init, gain=gain, device=device, dtype=dtype
        )
        self._begin(lr, weight_decay, compile, precision)

    def network(self, copy: int) -> Zor:
        """One copy as a network of its own, with what it learned so far, charges and optimiser included.

        Raises IndexError unless copy is 0 … S − 1.
        """
        if not 0 <= copy < self._copies[0]:
            raise IndexError(f"copy must be 0 to {self._copies[0] - 1}, got {copy}")
        one = Zor(
            self.layers,
            lr=self.lr,
            weight_decay=self.weight_decay,
            compile=self.compile,
            precision=self.precision,
            device="meta",
            dtype=self.dtype,
        )
        stacked = ("charges", "first_moments", "second_moments")
        learning = {name: [tensor[copy].clone() for tensor in getattr(self, name)] for name in stacked}
        learning["steps"] = [step.clone() for step in self.steps]
        one._own([weight[copy].clone() for weight in self.weights], learning)
        return one

    def save(self, path: str | os.PathLike[str], *, optimiser: bool = False) -> None:
        """Raises ValueError: a file holds one network."""
        raise ValueError("a file holds one network, not an ensemble: save network(0), network(1) and so on")

    @staticmethod
    def load(
        path: str | os.PathLike[str], *, device: torch.device | str | None = None, lazy: bool = False
    ) -> Zor:
        """Raises ValueError: a file holds one network."""
        raise ValueError("a file holds one network, not an ensemble: use Zor.load")
