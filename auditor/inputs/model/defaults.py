"""The rules by which sources choose a default layer, and their words. It knows no library and runs no network.

Networks of stages: the end of the stage before the last; where the next stage begins with a norm of each position on
its own, as in ConvNeXt, the output of that norm, since the length of an activation in front of it means nothing to the
network and attribution there is 0. Networks of one grid throughout, as vision transformers: the block at three quarters
of the depth, which leaves about as much behind it as follows the stage before the last in a residual network (3 blocks
of 16 in ResNet-50).
"""

from __future__ import annotations

BEFORE_LAST_STAGE = "the end of the stage before the last"
BEHIND_NORM = "the norm at the end of the stage before the last"
THREE_QUARTERS = "the block at three quarters of the depth"
THREE_QUARTERS_BY_TRYING = f"{THREE_QUARTERS}, or the nearest that can be mapped, found by trying"
BY_TRYING = "the last layer at about 1/16 of the picture's sides that can be mapped, found by trying"


def at_three_quarters(blocks: list[str]) -> str:
    """The block that ends the third quarter, rounded down, and at least two before the last: the 9th of 12.

    The last block of a transformer with a class token reads the other tokens through its norm alone, so that in
    front of it, as behind it, there is no attribution to them.
    """
    return blocks[max(0, min(len(blocks) * 3 // 4 - 1, len(blocks) - 3))] if blocks else ""
