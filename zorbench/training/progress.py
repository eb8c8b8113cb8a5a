"""Lines that say how far a training is, how fast it goes, and how long its stage will take yet."""

import time
from typing import IO

from zorbench.training.history import Row

EVERY = 10.0  # seconds between two lines of progress


class Progress:
    """Writes to `stream`; None: nowhere."""

    def __init__(self, stream: IO[str] | None, every: float = EVERY) -> None:
        self.stream, self.every = stream, every
        self._begin = self._last = time.monotonic()
        self._what, self._images, self._later = "", 0, 0

    def line(self, text: str) -> None:
        if self.stream is not None:
            print(text, file=self.stream, flush=True)

    def begin(self, what: str, images: int, later: int = 0) -> None:
        """`images` are next, and `later` as many in further epochs of the same stage."""
        self._what, self._images, self._later = what, images, later
        self._begin = self._last = time.monotonic()

    def at(self, done: int) -> None:
        """So many of the images are done; a line now and then."""
        now = time.monotonic()
        if now - self._last < self.every or not done:
            return
        self._last = now
        speed = done / (now - self._begin)
        left = (self._images - done + self._later) / speed
        self.line(
            f"{self._what}: {done:,}/{self._images:,} images, {speed:,.0f} a second, {duration(left)} left"
        )

    def ended(self, row: Row, images: int, epochs: int) -> None:
        """The figures of one of a stage's epochs."""
        speed = images / row.seconds if row.seconds > 0 else 0.0
        figures = [f"{duration(row.seconds)}, {speed:,.0f} images a second"]
        if row.convergence is not None:
            figures.append(f"mean w(1 − w) {row.convergence:.4f}")
        for name, part in (("training", ""), ("validation", "validation_"), ("test", "test_")):
            right, silent = getattr(row, f"{part}right"), getattr(row, f"{part}silent")
            if right is not None:
                figures.append(f"{name} {100 * right:.2f} % right, {100 * silent:.2f} % silent")
        seconds = row.seconds * (epochs - row.epoch)
        left = f"; about {duration(seconds)} left in this stage" if seconds else ""
        self.line(f"{row.stage} epoch {row.epoch}/{epochs}: {'; '.join(figures)}{left}")


def duration(seconds: float) -> str:
    """Seconds below two minutes, then minutes, then hours."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"
