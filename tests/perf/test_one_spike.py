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

one_thread = pytest.mark.parametrize("threads", [1], indirect=True, ids=["one thread"])
two_threads = pytest.mark.parametrize("threads", [2], indirect=True, ids=["two threads"])

IMAGES = 256  # of a turn of ours
FEW = 4  # of a turn of the oracle
EPOCHS = 30  # of the layers: until most weights are near 0 or 1, as they are in earnest
T = 15
LABELS = torch.arange(IMAGES) % 10
TITLE = (
    "mozafari2018, milliseconds an image. Ours: two threads for batches, one in training. The oracle: one "
    "thread, dense, one sample at a time. What lies below a layer that learns is worked out for both."
)
HEAD = ("part", "oracle", "ours", "target", "oracle / ours", "target")
PARTS = {  # most milliseconds, least ratio
    "encoding": (0.2, 3),
    "S1 STDP": (0.35, 5),
    "S2 STDP": (0.6, 8),
    "S3 R-STDP": (0.4, 20),
    "inference": (0.8, 8),
}
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
                oracle.decision(self.plain["decision"], oracle.pad(wave, 2))
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


@two_threads
@pytest.mark.parametrize("part", PARTS)
def test_an_image_beside_the_oracle(benchmark: BenchmarkFixture, findings: Findings, part: str) -> None:
    benchmark.group = f"{part} of mozafari2018, {IMAGES} images"
    ours, dense = Digits().contenders(part)

    def on_one_thread() -> Tensor:
        torch.set_num_threads(1)
        # Weights that learning has brought next to 0 would make its convolutions several times slower.
        torch.set_flush_denormal(True)
        done = dense()
        torch.set_flush_denormal(False)
        torch.set_num_threads(2)
        return done

    race = Race(benchmark, {"ours": ours, "oracle": on_one_thread}, steps=1, seconds=8)
    if "ours" in race:
        fast, slow = race.microseconds("ours") / IMAGES / 1e3, race.microseconds("oracle") / FEW / 1e3
        ratio = race.ratio("oracle", "ours") * IMAGES / FEW
        most, least = PARTS[part]
        row = (
            f"{slow:.2f}",
            f"{fast:.3f}",
            verdict(fast, most),
            f"{ratio:.1f}",
            verdict(ratio, least, least=True),
        )
        findings.add_row(TITLE, HEAD, (part, *row))


@one_thread
def test_the_convolution_by_which_the_oracle_is_judged(
    benchmark: BenchmarkFixture, findings: Findings
) -> None:
    """250 to 200 maps, 5×5, of a wave [15, 250, 8, 8], on one thread: 5.5 ms where the table was made."""
    wave, weight = (torch.rand(15, 250, 8, 8) < 0.3).float(), torch.rand(200, 250, 5, 5)
    benchmark(F.conv2d, wave, weight)
    if benchmark.stats is not None:
        took = benchmark.stats.stats.median * 1e3
        findings.lines.append(f"250 → 200 maps, 5×5, of a wave [15, 250, 8, 8], one thread: {took:.1f} ms")
