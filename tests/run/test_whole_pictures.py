"""Which effects over whole pictures are confirmed, and in which order."""

from __future__ import annotations

import math

from auditor.core.records import WholeEffect
from auditor.run.stages.whole_pictures import choose


def effect(kind: str, dose: str, flips: int, gain: float) -> WholeEffect:
    return WholeEffect(f"w-{kind}-{dose}", kind, dose, kind, False, flips, 0 if math.isnan(gain) else 20, gain)


def chosen(tried: list[WholeEffect], most: int) -> list[str]:
    return [one.id for one in choose(tried, most)]


def test_of_each_kind_the_better_dose_then_the_best_kinds_then_by_flips() -> None:
    tried = [
        effect("cast", "typical", 9, 2.0),
        effect("cast", "strongest", 7, 2.5),
        effect("blur", "typical", 1, 0.5),
        effect("blur", "strongest", 0, -1.0),
        effect("frame", "typical", 8, 1.5),
        effect("frame", "strongest", 8, 1.0),
    ]
    assert chosen(tried, 2) == ["w-frame-typical", "w-cast-strongest"]
    assert chosen(tried, 9) == ["w-frame-typical", "w-cast-strongest", "w-blur-typical"]
    assert chosen(tried, 1) == ["w-cast-strongest"]


def test_without_selection_pictures_the_table_s_order_decides() -> None:
    unknown = float("nan")
    tried = [effect(kind, dose, 0, unknown) for kind in ("cast", "blur", "frame") for dose in ("typical", "strongest")]
    assert chosen(tried, 2) == ["w-cast-typical", "w-blur-typical"]
