"""The findings as JUnit XML, which continuous integration knows how to show. It returns the text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from auditor.core.policy import Waiver
from auditor.core.records import AuditResult, Finding, Verdict
from auditor.report.gate import checklist_of, waiver_words, waivers_of
from auditor.report.numbers import confidence, percent, plain_points
from auditor.report.summary import eligible, finding_sentence, fragility_sentence, verdict_sentence
from auditor.report.text import plain, shown_path
from auditor.report.whole_pictures import whole_finding_sentence, whole_sentence


def junit_xml(result: AuditResult) -> str:
    """One test case a finding, one for fragility and one an effect over whole pictures.

    A fail is a failure; what was not settled, not held or is waived by the run's policy is skipped, a waiver with its
    reason and its last day. A run without findings or without fragility has a
    skipped case in its place, since what did not run is no pass; so has one without such effects, where it was to try
    some.
    """
    pair = f"{result.source.name} to {result.target.name}"
    items = {item.id: item for item in checklist_of(result).items}
    uplift, whole = items["uplift"], items["whole_pictures"]
    cases = [_finding_case(result, finding, pair, waivers_of(finding, uplift)) for finding in result.findings]
    if not cases:
        cases = [_case(pair, "confirmed candidates", Verdict.INCONCLUSIVE, "no candidate was confirmed", "")]
    cases.append(_fragility_case(result, pair, items["fragility"].waivers))
    cases += _whole_cases(result, pair, whole.waivers)
    suite = ET.Element(
        "testsuite",
        name=plain(f"auditor: {pair}"),
        tests=str(len(cases)),
        failures=str(_count(cases, "failure")),
        errors="0",
        skipped=str(_count(cases, "skipped")),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(result):
        ET.SubElement(properties, "property", name=name, value=plain(value))
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _properties(result: AuditResult) -> Iterable[tuple[str, str]]:
    return (
        ("verdict", verdict_sentence(result)),
        ("model", shown_path(result.subject.model)),
        ("layer", ", ".join(result.subject.layers)),
        ("uplift limit", plain_points(result.limits.uplift)),
        ("fragility limit", percent(result.limits.fragility)),
        ("confidence", confidence(result.limits.confidence)),
        ("eligible pictures", str(eligible(result))),
        ("hypotheses tried", str(result.hypotheses_tried)),
        ("seed", str(result.seed)),
    )


def _finding_case(result: AuditResult, finding: Finding, pair: str, waivers: Sequence[Waiver]) -> ET.Element:
    name = f"{finding.candidate.id} {finding.candidate.name} ({finding.tier.value}, {finding.placement.value})"
    return _case(pair, name, finding.word, finding.reason, finding_sentence(finding, result.limits.uplift), waivers)


def _fragility_case(result: AuditResult, pair: str, waivers: Sequence[Waiver]) -> ET.Element:
    if result.fragility is None:
        return _case(pair, "fragility", Verdict.INCONCLUSIVE, "fragility was not measured", "")
    sentence = fragility_sentence(result.fragility)
    return _case(pair, "fragility", result.fragility.verdict, sentence, sentence, waivers)


def _whole_cases(result: AuditResult, pair: str, waivers: Sequence[Waiver]) -> list[ET.Element]:
    whole = result.whole
    if whole is None and not result.limits.whole_pictures:
        return []
    if whole is None or not whole.findings:
        return [_case(pair, "whole pictures", Verdict.INCONCLUSIVE, whole_sentence(result), "")]
    cases = []
    for one in whole.findings:
        sentence = whole_finding_sentence(one, result.limits.uplift)
        unheld = Verdict.INCONCLUSIVE if one in whole.in_the_way else Verdict.NOT_HELD
        word = one.verdict if one in whole.held_findings else unheld
        name = f"whole pictures: {one.effect.kind}, {one.effect.dose}"
        cases.append(_case(pair, name, word, sentence, sentence, waivers))
    return cases


def _case(
    pair: str, name: str, verdict: Verdict, message: str, detail: str, waivers: Sequence[Waiver] = ()
) -> ET.Element:
    """Args: waivers: of what the case is about; of what neither failed nor is open there is nothing to waive."""
    case = ET.Element("testcase", classname=plain(f"auditor.{pair}"), name=plain(name))
    waived = bool(waivers) and verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    if waived:
        words = "; ".join(map(waiver_words, waivers))
        ET.SubElement(case, "skipped", message=plain(f"{words} ({verdict.value}: {message})"))
    elif verdict is Verdict.FAIL:
        ET.SubElement(case, "failure", message=plain(message), type="fail").text = plain(detail)
    elif verdict is not Verdict.PASS:
        ET.SubElement(case, "skipped", message=plain(f"{verdict.value}: {message}"))
    if detail and (waived or verdict is not Verdict.FAIL):
        ET.SubElement(case, "system-out").text = plain(detail)
    return case


def _count(cases: Iterable[ET.Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)
