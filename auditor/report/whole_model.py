"""A survey of a whole model in sentences and as JSON. It computes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from auditor.core.plain_text import plain
from auditor.report.json_values import number_json
from auditor.report.numbers import how_many, percent, plain_points

if TYPE_CHECKING:
    from auditor.core.records.whole_model import WholeModel


def headline(whole: WholeModel) -> str:
    """What a survey found, in one sentence."""
    count, measured = len(whole.confirmed), how_many(len(whole.pairs), "pair")
    if not count:
        return f"Of {measured} of classes, none has a crop shown to do more than covering"
    worst = whole.confirmed[0]
    return (
        f"Of {measured} of classes, {count} {'has' if count == 1 else 'have'} a crop that does more than every "
        f"covering; {worst.source} → {worst.target} leads, where {percent(worst.expected)} are expected to flip"
    )


def search_sentence(whole: WholeModel) -> str:
    """Whether the search helped."""
    if whole.suggested is None or whole.random is None:
        return "Nothing was measured on confirmation pictures."
    agreement = whole.agreement
    agree = "" if agreement is None else f"; screening and selection agree with a rank correlation of {agreement:.2f}"
    return (
        f"Chosen crops flip {percent(whole.suggested)} on average over these pairs, crops that nobody chose "
        f"{percent(whole.random)}{agree}."
    )


def caution_sentence(whole: WholeModel) -> str:
    """How the numbers were chosen, and what they do not say."""
    return (
        f"Each pair's crop was chosen from {how_many(whole.screened, 'crop')} on "
        f"{how_many(whole.screening_pictures, 'screening picture')} and "
        f"{how_many(whole.selection_pictures, 'selection picture')}, and measured on other pictures. Of the pairs "
        f"called confirmed at most {percent(whole.level)} are expected to be so wrongly (Benjamini–Yekutieli over all "
        "pairs measured). The order rests on the measured rates; the expected ones allow for that. No pair is cleared "
        "by a survey: an audit of its own says more."
    )


def features_told(whole: WholeModel) -> list[str]:
    """Crops that reach a class from several others, a sentence each."""
    return [
        f"{one.crop} ({whole.crop(one.crop).label}) makes {percent(one.flips / one.eligible)} of pictures {one.target} "
        f"and is more than {plain_points(whole.limit)} above covering in {one.reached} of "
        f"{how_many(one.classes, 'class', 'classes')}"
        for one in whole.features
        if one.reached > 1
    ]


def whole_model_json(whole: WholeModel, audits: Sequence[dict[str, object]] = ()) -> str:
    """Everything measured, as JSON; rates and uplifts are fractions."""
    confirmed = set(whole.confirmed)
    told = {
        "headline": headline(whole),
        **{name: value for name, value in asdict(whole).items() if name != "pairs"},
        "pairs": [
            {"confirmed": pair in confirmed, "expected_uplift": pair.expected_uplift, **asdict(pair)}
            for pair in whole.pairs
        ],
        "audits": list(audits),
    }
    return json.dumps(_plain(told), indent=2, ensure_ascii=False) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, float):
        return number_json(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
