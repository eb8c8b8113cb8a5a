"""Random generators named by text, so that neighbouring seeds have nothing in common."""

import hashlib

import numpy as np
from numpy.random import PCG64, Generator


def _digest(parts: tuple[object, ...]) -> bytes:
    # The length of each part goes in, so that ("a", "bc") and ("ab", "c") differ.
    texts = [str(part) for part in parts]
    return hashlib.sha256("".join(f"{len(text)}:{text}," for text in texts).encode()).digest()


def generator(*parts: object) -> Generator:
    """NumPy's PCG64 seeded with the SHA-256 of the parts' text."""
    return np.random.Generator(PCG64(int.from_bytes(_digest(parts), "big")))


def derived_seed(*parts: object) -> int:
    """An integer in [0, 2⁶³), the leading bits of the SHA-256 of the parts' text."""
    return int.from_bytes(_digest(parts)[:8], "big") >> 1
