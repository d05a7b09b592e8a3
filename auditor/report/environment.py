"""The Jinja environments of the report: escaping, number filters and plain words. No template is filled here."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from auditor.core.records import strongest_first
from auditor.report import numbers, text, words
from auditor.report.anchors import anchor
from auditor.report.destinations import where_to, where_words
from auditor.report.needed import needed_details, needed_sentence, suffices_sentence
from auditor.report.next_steps import calls_for_counterexamples
from auditor.report.planted import (
    COUNTS_FOR_NOTHING,
    copy_words,
    cue_words,
    found_words,
    kept_words,
    planted_limits,
    sentence_of_patches,
    sentence_of_whole_pictures,
)
from auditor.report.settling import would_settle
from auditor.report.stopping import pictures_used, stopping_sentence
from auditor.report.summary import (
    accuracy_sentence,
    beside_flips,
    chosen_by,
    chosen_from_sentence,
    fragility_sentence,
    limit_words,
    placement_of,
    step_label,
    what_does_it,
)
from auditor.report.survival import survival_details, survival_of_finding, survival_sentence
from auditor.report.validity import comparison_label
from auditor.report.whole_pictures import held_words, left_out_words, whole_words

if TYPE_CHECKING:  # the command line asks for the formats' names at every start
    from jinja2 import Environment
    from markupsafe import Markup

_PART_ENDS = re.compile(r"[/._:-]+(?=.)")
"""What stands between the parts of paths, modules and file names; no entity of HTML has one."""


@functools.cache
def html_environment() -> Environment:
    """Templates that escape every value for HTML; an unknown name is an error, never a blank."""
    environment = _environment(autoescape=True)
    environment.finalize = _plain_value
    return environment


@functools.cache
def markdown_environment() -> Environment:
    """Templates that escape every value for Markdown, so that no name can draw a table, a link or a tag."""
    environment = _environment(autoescape=False)
    environment.finalize = _markdown_value
    return environment


def _environment(*, autoescape: bool) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("auditor.report"),
        autoescape=autoescape,  # noqa: S701 - off for Markdown alone, whose finalize escapes every value
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        percent=numbers.percent,
        points=numbers.points,
        plain_points=numbers.plain_points,
        points_bounds=numbers.points_bounds,
        points_interval=numbers.points_interval,
        confidence=numbers.confidence,
        is_measured=numbers.is_measured,
        p_value=numbers.p_value,
        logits=numbers.logits,
        seconds=numbers.seconds,
        shown_path=text.shown_path,
        breakable=_breakable,
    )
    environment.globals.update(
        rate=numbers.rate_with_counts,
        rate_interval=numbers.rate_interval,
        rate_bounds=numbers.rate_bounds,
        counts=numbers.counts,
        shown_detail=text.shown_detail,
        correlation=numbers.correlation,
        logits_with_error=numbers.logits_with_error,
        how_many=numbers.how_many,
        anchor=anchor,
        beside_flips=beside_flips,
        chosen_by=chosen_by,
        chosen_from_sentence=chosen_from_sentence,
        fragility_sentence=fragility_sentence,
        accuracy_sentence=accuracy_sentence,
        comparison_label=comparison_label,
        limit_words=limit_words,
        calls_for_counterexamples=calls_for_counterexamples,
        copy_words=copy_words,
        cue_words=cue_words,
        counts_for_nothing=COUNTS_FOR_NOTHING,
        found_words=found_words,
        kept_words=kept_words,
        planted_limits=planted_limits,
        sentence_of_patches=sentence_of_patches,
        sentence_of_whole_pictures=sentence_of_whole_pictures,
        needed_details=needed_details,
        needed_sentence=needed_sentence,
        pictures_used=pictures_used,
        placement_of=placement_of,
        stopping_sentence=stopping_sentence,
        suffices_sentence=suffices_sentence,
        step_label=step_label,
        survival_details=survival_details,
        survival_of_finding=survival_of_finding,
        survival_sentence=survival_sentence,
        what_does_it=what_does_it,
        would_settle=would_settle,
        held_words=held_words,
        left_out_words=left_out_words,
        where_to=where_to,
        where_words=where_words,
        whole_words=whole_words,
        strongest_first=strongest_first,
        tiers=words.TIERS,
        verdicts=words.VERDICTS,
        gate_words=words.GATES,
        splits_words=words.SPLITS,
        glossary=words.GLOSSARY,
    )
    return environment


def _breakable(name: str) -> Markup:
    """A name of many parts, escaped, that a narrow page may break behind a part and not within one."""
    from markupsafe import Markup, escape

    return Markup(_PART_ENDS.sub(r"\g<0><wbr>", str(escape(text.plain(name)))))  # noqa: S704 - escaped just before


def _plain_value(value: object) -> object:
    # Text that a template has already made safe is a subclass of str and passes untouched.
    return text.plain(value) if type(value) is str else value


def _markdown_value(value: object) -> object:
    return text.markdown(value) if isinstance(value, str) else value
