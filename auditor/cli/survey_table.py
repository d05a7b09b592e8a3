"""A survey on the terminal: the pairs to look at, and what stands behind them. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from auditor.cli.terminal import said
from auditor.report.numbers import counts, p_value, percent, points
from auditor.report.whole_model import caution_sentence, features_told, headline, search_sentence

if TYPE_CHECKING:
    from auditor.core.records.whole_model import AuditOfPair, SurveyedPair, WholeModel

SHOWN = 20


def survey_listing(whole: WholeModel, audits: Sequence[AuditOfPair] = ()) -> Iterator[Table | Text]:
    """The leading pairs, crops that reach a class from many, and what the numbers say."""
    table = Table(title=said(f"{whole.model}: pairs to look at"), title_justify="left", title_style="bold")
    table.add_column("pair")
    table.add_column("crop")
    for heading in ("flips", "over covering", "q", "expected"):
        table.add_column(heading, justify="right", no_wrap=True)
    for pair in whole.pairs[:SHOWN]:
        table.add_row(*_row(whole, pair))
    yield table
    for one in audits:
        yield said((f"{one.source} → {one.target}", "bold"), f": {one.sentence}")
    for told in features_told(whole)[:5]:
        yield said(told)
    yield said((f"{headline(whole)}.", "bold"))
    yield said(search_sentence(whole))
    yield said(caution_sentence(whole))


def _row(whole: WholeModel, pair: SurveyedPair) -> tuple[Text, ...]:
    one = pair.measured
    where, rank = "" if one.spot is None else ", own place", whole.likened(pair)
    likened = f", ranks it {rank:,}" if rank else ""
    return (
        said((pair.source, "bold"), " → ", (pair.target, "bold")),
        said(one.crop, (f"\n{whole.crop(one.crop).label}{where}{likened}", "dim")),
        said(counts(one.flips, one.eligible)),
        said(points(one.uplift).removesuffix(" points")),
        said(p_value(pair.q_value)),
        said(percent(pair.expected), (f"\n{percent(pair.nearest_expected)} of {pair.nearest}", "dim")),
    )
