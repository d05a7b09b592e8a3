"""A survey of a whole model in sentences, as JSON and as one HTML page. It computes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from auditor.core.plain_text import plain
from auditor.report.album import Album
from auditor.report.environment import html_environment
from auditor.report.json_values import number_json
from auditor.report.matrix_drawing import bars_of, matrix_of
from auditor.report.numbers import how_many, percent, plain_points

if TYPE_CHECKING:
    from auditor.core.records.candidates import Spot
    from auditor.core.records.whole_model import AuditOfPair, SurveyedPair, WholeModel

SHOWN = 30
"""Pairs of the table in a report: all are in the matrix and in survey.json."""

SHOWN_CLASSES = 64
"""Classes of the table in a report: survey.json has all."""


def headline(whole: WholeModel) -> str:
    """What a survey found, in one sentence."""
    count, measured = len(whole.confirmed), how_many(len(whole.pairs), "pair")
    if whole.together:
        return _headline_together(whole)
    if not count:
        return f"Of {measured} of classes, none has a crop shown to do more than covering"
    worst = whole.confirmed[0]
    return (
        f"Of {measured} of classes, {count} {'has' if count == 1 else 'have'} a crop that does more than every "
        f"covering; {worst.source} → {worst.target} leads, where {percent(worst.expected)} are expected to flip"
    )


def _headline_together(whole: WholeModel) -> str:
    count, tried = len(whole.confirmed), how_many(len(whole.pairs), "class", "classes")
    if not count:
        return f"Of {tried} none has a crop shown to turn pictures of every class into it more than covering does"
    worst = whole.confirmed[0]
    return (
        f"Of {tried}, {count} {'has' if count == 1 else 'have'} a crop that turns pictures of every class into it more "
        f"than every covering does; {worst.target} leads, which {percent(worst.expected)} are expected to become"
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
    own = f", and {whole.screened_own:,} where they lay in their own pictures," if whole.screened_own else ""
    return (
        f"Each pair's crop was chosen from {how_many(whole.screened, 'crop')}{own} on "
        f"{how_many(whole.screening_pictures, 'screening picture')} and "
        f"{how_many(whole.selection_pictures, 'selection picture')}, and measured on other pictures. Of the pairs "
        f"called confirmed at most {percent(whole.level)} are expected to be so wrongly (Benjamini–Yekutieli over all "
        "pairs measured). Pairs are in the order of what is expected of the crops that come nearest to the target, so "
        "that one crop's luck decides little. Where the model ranks the target high on the crop's own picture too, the "
        "classes may look alike, or what makes it the target lies there as well: look at the crop. No pair is cleared "
        "by a survey: an audit of its own says more."
    )


def where_pasted(spot: Spot | None) -> str:
    """Where a crop was pasted, for a person; "" in the corner, where most are."""
    return "" if spot is None else f"where it lay, {spot.words}"


def likeness_told(whole: WholeModel, pair: SurveyedPair) -> str:
    """Whether the crop's own picture looks like the target to the model already; "" where it was not asked."""
    rank = whole.likened(pair)
    if not rank:
        return ""
    if rank == 1:
        return f"the model calls that picture itself {pair.target}"
    return f"ranked {rank:,} of {len(whole.classes):,} on that picture itself"


def features_told(whole: WholeModel) -> list[str]:
    """Crops that reach a class from several others, a sentence each."""
    return [
        f"{one.crop} ({whole.crop(one.crop).label}) makes {percent(one.flips / one.eligible)} of pictures {one.target} "
        f"and is more than {plain_points(whole.limit)} above covering in {one.reached} of "
        f"{how_many(one.classes, 'class', 'classes')}"
        for one in whole.features
        if one.reached > 1
    ]


def audits_sentence(audits: Sequence[AuditOfPair]) -> str:
    """What became of the pairs that were audited, and what the audits allow for."""
    failed = sum(one.verdict == "fail" for one in audits)
    return (
        f"{how_many(len(audits), 'pair')} had a full audit; {failed} {'fails' if failed == 1 else 'fail'}. The survey "
        "looked at some of their confirmation pictures to rank pairs, which favours those that lead: the checklist of "
        "each audit tells that look."
    )


def shown_pairs(whole: WholeModel) -> tuple[SurveyedPair, ...]:
    """The pairs of a report's table."""
    return whole.pairs[:SHOWN]


def whole_model_html(whole: WholeModel, pictures: Mapping[str, bytes], audits: Sequence[AuditOfPair] = ()) -> str:
    """One page that opens offline.

    Args:
        pictures: PNG by key: `crop-<id>` of a crop, `pasted-<place>` of a picture before and with the crop of the pair
            at that place of the table, from 1.
    """
    worst_first = sorted(
        whole.classes,
        key=lambda one: (
            -one.pairs_out - one.pairs_in,
            -((one.reached_cropped if whole.together else one.left_cropped) or 0.0),
            one.name,
        ),
    )
    return (
        html_environment()
        .get_template("survey.html.j2")
        .render(
            whole=whole,
            shown=shown_pairs(whole),
            matrix=None if whole.together else matrix_of(whole),
            bars=bars_of(whole) if whole.together else None,
            classes=worst_first[:SHOWN_CLASSES],
            album=Album(pictures),
            audits=audits,
            audited={(one.source, one.target): one.folder for one in audits},
            headline=headline,
            search_sentence=search_sentence,
            caution_sentence=caution_sentence,
            audits_sentence=audits_sentence,
            where_pasted=where_pasted,
            likeness_told=likeness_told,
        )
    )


def whole_model_json(whole: WholeModel, audits: Sequence[AuditOfPair] = ()) -> str:
    """Everything measured, as JSON; rates and uplifts are fractions."""
    return json.dumps(whole_model_value(whole, audits), indent=2, ensure_ascii=False) + "\n"


def whole_model_value(whole: WholeModel, audits: Sequence[AuditOfPair] = ()) -> dict[str, object]:
    """The same as a value."""
    confirmed = set(whole.confirmed)
    told = {
        "headline": headline(whole),
        **{name: value for name, value in asdict(whole).items() if name != "pairs"},
        "pairs": [
            {"confirmed": pair in confirmed, "expected_uplift": pair.expected_uplift, **asdict(pair)}
            for pair in whole.pairs
        ],
        "audits": [asdict(one) for one in audits],
    }
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: object) -> object:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, float):
        return number_json(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
