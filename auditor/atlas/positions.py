"""Where a position of the layer's grid lies in the picture. Cuts nothing."""

from __future__ import annotations


def crop_box(
    y: int, x: int, grid: tuple[int, int], input_size: tuple[int, int], size: float
) -> tuple[int, int, int, int]:
    """The square of `size` × shorter side around a grid position, moved inside the picture where it would stick out.

    Returns:
        left, top, right, bottom in prepared pixels.
    """
    height, width = input_size
    side = max(1, round(size * min(height, width)))
    left = round((x + 0.5) * width / grid[1] - side / 2)
    top = round((y + 0.5) * height / grid[0] - side / 2)
    left, top = min(max(left, 0), width - side), min(max(top, 0), height - side)
    return left, top, left + side, top + side
