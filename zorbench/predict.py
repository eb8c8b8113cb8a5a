"""Ask a trained rule for its predictions, and check what it answers."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.baseline import Baseline, EntrySpec
from zorbench.state import find_tensors
from zorbench.tasks import Reconstruction

CHUNK = 1000


class Diverged(RuntimeError):
    """A rule predicted something that is not a number."""


class ContractError(RuntimeError):
    """A plugin broke the contract: the text says how, and what was expected."""


def check_bottleneck(plugin: Baseline, spec: EntrySpec) -> None:
    """Raise `ContractError` if a rule is to reconstruct without a bottleneck and does not say so."""
    if not bottlenecked(plugin, spec):
        return
    for method in ("encode", "decode"):
        if getattr(type(plugin), method) is getattr(Baseline, method):
            raise ContractError(
                f"reconstruction goes through a bottleneck: {type(plugin).__name__} needs encode and decode, "
                f"or Tags(bottleneck=False) to be scored outside the headline"
            )


def predict(plugin: Baseline, spec: EntrySpec, inputs: Float[Tensor, "n *shape"]) -> Float[Tensor, "n *out"]:
    """Predictions on the CPU, asked for in chunks, unclipped.

    Raises `ContractError` if a tensor that the rule holds was changed, replaced, added or removed by it:
    statistics that go on learning from what they are shown, or inputs kept aside. In reconstruction the codes
    of all inputs are made first, and are decoded in another order than they were encoded in. What a rule
    hides elsewhere than in its attributes is not found.
    """
    if not bottlenecked(plugin, spec):
        return _ask(plugin, "predict", inputs, spec)
    codes = _ask(plugin, "encode", inputs, spec)
    check_codes(codes, len(inputs), spec)
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(len(codes)))
    decoded = _ask(plugin, "decode", codes[order], spec)
    restored = torch.empty_like(decoded)
    restored[order] = decoded
    return restored


def check_codes(codes: Tensor, count: int, spec: EntrySpec) -> None:
    """Raise `ContractError` if what `encode` returned for `count` images does not fit the bottleneck."""
    if codes.ndim != 2 or not 1 <= codes.shape[1] <= spec.code:
        raise ContractError(
            f"encode returned {list(codes.shape)} for {count} images; "
            f"expected [{count}, k] with 1 <= k <= {spec.code}"
        )
    if codes.dtype != torch.float32:
        raise ContractError(f"encode returned {codes.dtype}; codes are float32")


@contextmanager
def unchanged(plugin: Baseline, method: str) -> Iterator[None]:
    """Raise `ContractError` if, inside, a tensor that the rule holds changes: through `method`, it says."""
    before = _fingerprint(plugin)
    yield
    after = _fingerprint(plugin)
    if before != after:
        changed = sorted(name for name in before | after if before.get(name) != after.get(name))
        raise ContractError(
            f"{method} changed the state of the rule ({', '.join(changed[:3])}); it must leave it as it is "
            f"(a module in training mode? inputs kept aside?)"
        )


def _fingerprint(plugin: Baseline) -> dict[str, tuple[int, int, tuple[int, ...]]]:
    """Memory, version and shape of every tensor the rule holds: cheap, and different after any change."""
    return {
        name: (tensor.data_ptr(), tensor._version, tuple(tensor.shape))
        for name, tensor in find_tensors(plugin).items()
    }


def bottlenecked(plugin: Baseline, spec: EntrySpec) -> bool:
    """Whether what is scored is `decode(encode(x))`."""
    # The class's tags, which the record shows, not what an instance has made of them.
    return spec.task is Reconstruction and type(plugin).tags.bottleneck


def _ask(plugin: Baseline, method: str, inputs: Tensor, spec: EntrySpec) -> Tensor:
    """What `method` answers to all inputs, chunk by chunk, with the rule's state the same afterwards."""
    parts = []
    with unchanged(plugin, method):
        for chunk in inputs.split(CHUNK):
            parts.append(_answer(plugin, method, chunk, spec))
    return torch.cat(parts)


def _answer(plugin: Baseline, method: str, chunk: Tensor, spec: EntrySpec) -> Tensor:
    with torch.no_grad():
        # A copy: a rule that writes into its argument must not change what it is scored on.
        answer = getattr(plugin, method)(chunk.to(spec.device, copy=True))
    check_answer(answer, method, len(chunk), spec)
    return answer.detach().to("cpu", copy=True)  # a rule may answer from memory of its own


def check_answer(answer: object, method: str, count: int, spec: EntrySpec) -> None:
    """Raise `ContractError` if `method` answered `count` inputs with something of the wrong kind or shape.

    Raises `Diverged` if it is not all numbers.
    """
    if not isinstance(answer, Tensor) or not answer.is_floating_point():
        raise ContractError(f"{method} returned {_kind(answer)}; expected a floating-point tensor")
    shape = tuple(answer.shape)
    expected = None if method == "encode" else (count, *spec.output_shape)
    if shape[:1] != (count,) or (expected and shape != expected):
        wanted = list(expected) if expected else f"[{count}, k]"
        raise ContractError(f"{method} returned shape {list(shape)}; expected {wanted}")
    if not bool(torch.isfinite(answer).all()):
        raise Diverged(f"{method} returned NaN or infinity")


def _kind(answer: object) -> str:
    return f"a tensor of {answer.dtype}" if isinstance(answer, Tensor) else type(answer).__name__
