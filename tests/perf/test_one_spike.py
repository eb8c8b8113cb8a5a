"""Parts of mozafari2018 an image, beside the dense network that takes one sample at a time, in one run."""

import pytest
import torch
import torch.nn.functional as F
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from tests.spiking import oracle
from zorbench.data import load
from zorbench.spiking.filters import digit_bank
from zorbench.spiking.first_spikes import encode, padded, to_wave
from zorbench.spiking.learner import OneSpikeNet
from zorbench.spiking.stdp import PUNISHMENT, REWARD, STDP

from .conftest import Findings
from .race import Race
from .steps import Step
from .targets import verdict

pytestmark = [pytest.mark.perf, pytest.mark.usefixtures("threads")]

two_threads = pytest.mark.parametrize("threads", [2], indirect=True, ids=["two threads"])

IMAGES = 256  # of a turn of ours
FEW = 4  # of a turn of the oracle, and convolutions
EPOCHS = 30  # of the layers: until most weights are near 0 or 1, as they are in earnest
T = 15
LABELS = torch.arange(IMAGES) % 10
TITLE = (
    "mozafari2018, milliseconds an image. Ours: two threads for batches, one in training. The oracle: one "
    "thread, dense, one sample at a time. What lies below a layer that learns is worked out for both. The "
    "other: a dense network elsewhere, rescaled by a convolution, 250 to 200 maps, 5×5, of [15, 250, 8, 8]."
)
HEAD = (
    "part",
    "oracle",
    "ours",
    "target",
    "oracle / ours",
    "target",
    "convolution",
    "oracle / other",
    "target",
)
PARTS = {  # most milliseconds, least ratio, milliseconds of the other dense network
    "encoding": (0.2, 3, 0.57),
    "S1 STDP": (0.35, 5, 1.7),
    "S2 STDP": (0.6, 8, 4.9),
    "S3 R-STDP": (0.4, 20, 8.6),
    "inference": (0.8, 8, 6.4),
}
CONVOLUTION = 5.5  # milliseconds there, on one thread
DONE = torch.zeros(())


class Digits:
    """Digits, a network that has seen each a few times, and what reaches its layers."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        data = load("mnist5k")
        self.images = data.train_inputs(range(0, 10 * IMAGES, 10))
        self.bank = digit_bank()
        self.net = OneSpikeNet("mozafari2018", classes=10, generator=torch.Generator().manual_seed(0))
        self.times = encode(self.images, self.bank)
        for stage in self.net.stages[:-1]:
            for _ in range(EPOCHS):
                self.net.learn_layer(stage, self.net.features(self.times, stage))
        self.reaching = {stage: self.net.features(self.times, stage) for stage in self.net.stages}
        self.plain = {stage: weight.contiguous() for stage, weight in self.net.weights.items()}

    def waves(self, stage: str, margin: int) -> list[Tensor]:
        few = self.reaching[stage][:FEW]
        return [wave.float() for wave in to_wave(padded(few, margin, T), T)]

    def layer(self, stage: str, margin: int, theta: float, k: int, radius: int) -> tuple[Step, Step]:
        waves, plain = self.waves(stage, margin), self.plain[stage]

        def ours() -> Tensor:
            self.net.learn_layer(stage, self.reaching[stage])
            return DONE

        def dense() -> Tensor:
            for wave in waves:
                oracle.unsupervised(plain, wave, theta, k, radius, STDP())
            return DONE

        return ours, dense

    def decision(self) -> tuple[Step, Step]:
        waves, plain = self.waves("decision", 2), self.plain["decision"]

        def ours() -> Tensor:
            self.net.learn_to_decide(self.reaching["decision"], LABELS)
            return DONE

        def dense() -> Tensor:
            for wave, label in zip(waves, LABELS.tolist(), strict=False):
                oracle.reinforced(plain, wave, label, self.net.map_classes, REWARD, PUNISHMENT)
            return DONE

        return ours, dense

    def encoding(self) -> tuple[Step, Step]:
        def ours() -> Tensor:
            encode(self.images, self.bank)
            return DONE

        def dense() -> Tensor:
            for image in self.images[:FEW]:
                oracle.encoded(image, self.bank)
            return DONE

        return ours, dense

    def inference(self) -> tuple[Step, Step]:
        waves = [to_wave(one[None], T)[0].float() for one in self.times[:FEW]]

        def ours() -> Tensor:
            self.net.decide(self.net.features(self.times, "decision"))
            return DONE

        def dense() -> Tensor:
            for wave in waves:
                for stage, margin, theta, size in (("layer1", 2, 15, 2), ("layer2", 1, 10, 3)):
                    potentials = F.conv2d(oracle.pad(wave, margin), self.plain[stage])
                    wave = oracle.pool(oracle.fire(potentials, theta)[0], size)
                # Its last slice: with all 15 the convolutions alone would take longer than an image may.
                oracle.decision(self.plain["decision"], oracle.pad(wave, 2), convolve=oracle.last_slice)
            return DONE

        return ours, dense

    def contenders(self, part: str) -> tuple[Step, Step]:
        made = {
            "encoding": self.encoding,
            "S1 STDP": lambda: self.layer("layer1", 2, 15, 5, 3),
            "S2 STDP": lambda: self.layer("layer2", 1, 10, 8, 1),
            "S3 R-STDP": self.decision,
            "inference": self.inference,
        }
        return made[part]()


def on_one_thread(step: Step) -> Step:
    def alone() -> Tensor:
        torch.set_num_threads(1)
        # Weights that learning has brought next to 0 would make its convolutions several times slower.
        torch.set_flush_denormal(True)
        done = step()
        torch.set_flush_denormal(False)
        torch.set_num_threads(2)
        return done

    return alone


@two_threads
@pytest.mark.parametrize("part", PARTS)
def test_an_image_beside_the_oracle(benchmark: BenchmarkFixture, findings: Findings, part: str) -> None:
    benchmark.group = f"{part} of mozafari2018, {IMAGES} images"
    ours, dense = Digits().contenders(part)
    wave, weight = (torch.rand(15, 250, 8, 8) < 0.3).float(), torch.rand(200, 250, 5, 5)

    def convolution() -> Tensor:
        for _ in range(FEW):
            F.conv2d(wave, weight)
        return DONE

    contenders = {"ours": ours, "oracle": on_one_thread(dense), "convolution": on_one_thread(convolution)}
    race = Race(benchmark, contenders, steps=1, seconds=8)
    if "ours" in race:
        fast, slow = race.microseconds("ours") / IMAGES / 1e3, race.microseconds("oracle") / FEW / 1e3
        ratio = race.ratio("oracle", "ours") * IMAGES / FEW
        took = race.microseconds("convolution") / FEW / 1e3
        most, least, other = PARTS[part]
        dear = race.ratio("oracle", "convolution") / (other / CONVOLUTION)
        row = (
            f"{slow:.2f}",
            f"{fast:.3f}",
            verdict(fast, most),
            f"{ratio:.1f}",
            verdict(ratio, least, least=True),
            f"{took:.1f}",
            f"{dear:.2f}",
            verdict(dear, 1.3),
        )
        findings.add_row(TITLE, HEAD, (part, *row))
