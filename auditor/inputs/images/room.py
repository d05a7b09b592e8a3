"""Whether the prepared pictures of an audit fit into memory, told before one is read."""

from __future__ import annotations

from auditor.core.errors import DeviceMemoryError
from auditor.core.memory import in_words, memory_at_most

CHANNELS, BYTES_OF_A_FLOAT = 3, 4


def check_room(pictures: int, output_size: tuple[int, int]) -> None:
    """Make sure that all prepared pictures, and one of them as floats, fit into memory at once.

    Args:
        pictures: how many will be read; output_size: (H, W) of each.
    Raises:
        DeviceMemoryError: they do not; says how much they would take, and what to do.
    """
    most = memory_at_most()
    height, width = output_size
    needed = CHANNELS * height * width * (pictures + BYTES_OF_A_FLOAT)
    if most is not None and needed > most:
        raise DeviceMemoryError(
            f"{pictures} pictures of {height}×{width} pixels take {in_words(needed)} of memory, and there are "
            f"{in_words(most)} at most; make them smaller under [preprocessing], or give fewer under [images]"
        )
