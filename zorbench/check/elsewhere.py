"""Ask a function in a process that was forked off earlier: one that does not know what happened since."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Answer = Tensor | str | None
"""What came back: a tensor; or why there is none; or None where processes cannot be forked."""


@contextmanager
def in_a_fork(function: Callable[[Tensor], Tensor]) -> Iterator[Callable[[Tensor], Answer]]:
    """Inside, `function` as a process knows it that was forked on entering. It can be asked once."""
    if not hasattr(os, "fork"):
        yield lambda argument: None
        return
    there, here = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        _serve(function, there, here)
    os.close(there[0])
    os.close(here[1])
    asked, answered = os.fdopen(there[1], "wb"), os.fdopen(here[0], "rb")

    def ask(argument: Tensor) -> Answer:
        torch.save(argument, asked)
        asked.close()
        return _received(answered.read())

    try:
        yield ask
    finally:
        asked.close()
        answered.close()
        os.waitpid(child, 0)


def _serve(function: Callable[[Tensor], Tensor], there: tuple[int, int], here: tuple[int, int]) -> None:
    """The forked process: wait for an argument, answer, and end without any of the parent's clean-up."""
    try:
        os.close(there[1])
        os.close(here[0])
        with os.fdopen(there[0], "rb") as asked:
            sent = asked.read()
        if sent:
            with os.fdopen(here[1], "wb") as answered:
                answered.write(_sent(function, sent))
    finally:
        sys.stderr.flush()
        os._exit(0)


def _sent(function: Callable[[Tensor], Tensor], argument: bytes) -> bytes:
    try:
        answer: Tensor | str = function(torch.load(io.BytesIO(argument)))
    except BaseException as error:
        answer = str(error) or type(error).__name__
    buffer = io.BytesIO()
    torch.save(answer, buffer)
    return buffer.getvalue()


def _received(answer: bytes) -> Answer:
    if not answer:
        return "its process ended"
    received: Answer = torch.load(io.BytesIO(answer))
    return received
