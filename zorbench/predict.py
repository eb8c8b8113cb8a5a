"""Ask a trained rule for its predictions, and check what it answers."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.baseline import Baseline, EntrySpec
from zorbench.tasks import Reconstruction

CHUNK = 1000


class Diverged(RuntimeError):
    """A rule predicted something that is not a number."""


class ContractError(RuntimeError):
    """A plugin broke the contract: the text says how, and what was expected."""


def check_bottleneck(plugin: Baseline, spec: EntrySpec) -> None:
    """Raise `ContractError` if a rule is to reconstruct without a bottleneck and does not say so."""
    if not _bottlenecked(plugin, spec):
        return
    for method in ("encode", "decode"):
        if getattr(type(plugin), method) is getattr(Baseline, method):
            raise ContractError(
                f"reconstruction goes through a bottleneck: {type(plugin).__name__} needs encode and decode, "
                f"or Tags(bottleneck=False) to be scored outside the headline"
            )


def predict(plugin: Baseline, spec: EntrySpec, inputs: Float[Tensor, "n *shape"]) -> Float[Tensor, "n *out"]:
    """Predictions on the CPU, asked for in chunks, unclipped.

    In reconstruction the codes of all inputs are made first, and are decoded in another order than they
    were encoded in: a rule that keeps its inputs aside instead of coding them answers with the wrong ones.
    """
    if not _bottlenecked(plugin, spec):
        return _in_chunks(plugin.predict, inputs, spec, lambda n: (n, *spec.output_shape), "predict")
    codes = _in_chunks(plugin.encode, inputs, spec, None, "encode")
    if codes.ndim != 2 or not 1 <= codes.shape[1] <= spec.code:
        raise ContractError(
            f"encode returned {list(codes.shape)} for {len(inputs)} images; "
            f"expected [{len(inputs)}, k] with 1 <= k <= {spec.code}"
        )
    if codes.dtype != torch.float32:
        raise ContractError(f"encode returned {codes.dtype}; codes are float32")
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(len(codes)))
    decoded = _in_chunks(plugin.decode, codes[order], spec, lambda n: (n, *spec.output_shape), "decode")
    restored = torch.empty_like(decoded)
    restored[order] = decoded
    return restored


def _bottlenecked(plugin: Baseline, spec: EntrySpec) -> bool:
    # The class's tags, which the record shows, not what an instance has made of them.
    return spec.task is Reconstruction and type(plugin).tags.bottleneck


def _in_chunks(call: Any, inputs: Tensor, spec: EntrySpec, expected: Any, name: str) -> Tensor:
    parts = []
    for chunk in inputs.split(CHUNK):
        with torch.no_grad():
            # A copy: a rule that writes into its argument must not change what it is scored on.
            answer = call(chunk.to(spec.device, copy=True))
        if not isinstance(answer, Tensor) or not answer.is_floating_point():
            raise ContractError(f"{name} returned {_kind(answer)}; expected a floating-point tensor")
        shape = tuple(answer.shape)
        if shape[:1] != (len(chunk),) or (expected and shape != expected(len(chunk))):
            wanted = list(expected(len(chunk))) if expected else f"[{len(chunk)}, k]"
            raise ContractError(f"{name} returned shape {list(shape)}; expected {wanted}")
        if not bool(torch.isfinite(answer).all()):
            raise Diverged(f"{name} returned NaN or infinity")
        parts.append(answer.detach().to("cpu", copy=True))  # a rule may answer from one buffer every time
    return torch.cat(parts)


def _kind(answer: object) -> str:
    return f"a tensor of {answer.dtype}" if isinstance(answer, Tensor) else type(answer).__name__
