"""HTML, checklist, JUnit and notebook: what they state, that names stay text, and that bytes repeat."""

from __future__ import annotations

import dataclasses
import html.parser
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from rich.console import Console

from auditor.cli.console import findings_table
from auditor.core.records import AuditResult, CellLabel, CellStability, Checks, CleanAccuracy, Repeat, Verdict
from auditor.report import FORMATS
from auditor.report.checklist import checklist_markdown
from auditor.report.findings_json import findings_json
from auditor.report.html import report_html
from auditor.report.junit import junit_xml
from auditor.report.notebook import notebook_html
from auditor.report.summary import verdict_sentence

VOID = {"meta", "img", "br", "wbr", "line", "rect", "circle"}


class Outline(html.parser.HTMLParser):
    """Collects what the tests ask about and checks that tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"td", "th", "br", "dd", "dt", "p", "li"}:
            self.text.append(" ")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


ALL = ["full_result", "empty_result", "unmeasured_result"]


@pytest.mark.parametrize("kind", ALL)
def test_the_page_is_well_formed_offline_and_accessible(kind: str, request: pytest.FixtureRequest) -> None:
    page = Outline(report_html(request.getfixturevalue(kind)))
    assert page.open == []
    assert page.headings[0] == 1
    assert all(later - earlier <= 1 for earlier, later in zip(page.headings, page.headings[1:], strict=False))
    tags = [tag for tag, _ in page.tags]
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(tags)
    assert tags.count("caption") == tags.count("table")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.tags:
        if tag == "html":
            assert attributes["lang"] == "en"
        if tag == "img":
            assert attributes["alt"]
            assert str(attributes["src"]).startswith(
                ("data:image/png;base64,", "data:image/jpeg;base64,", "data:image/webp;base64,")
            )
        if tag == "a":
            assert str(attributes["href"]).removeprefix("#") in ids
        if tag == "svg":
            assert attributes["aria-label"]
        assert not {name for name in attributes if name.startswith("on")}


@pytest.mark.parametrize("kind", ALL)
def test_nothing_is_fetched_from_anywhere(kind: str, request: pytest.FixtureRequest) -> None:
    text = report_html(request.getfixturevalue(kind)) + notebook_html(request.getfixturevalue(kind))
    assert not re.search(r"https?://|@import|url\(|srcset", text)


def test_names_stay_text_in_every_format(full_result: AuditResult) -> None:
    for text in (report_html(full_result), notebook_html(full_result), checklist_markdown(full_result)):
        assert "<script" not in text
        assert "&lt;script&gt;alert(" in text
    assert "Zoë <b>" not in report_html(full_result)
    assert "<script" not in junit_xml(full_result)
    assert "\udcff" not in report_html(full_result)
    assert "wok/b\\xff.jpg" in report_html(full_result).replace("<wbr>", "")


def test_hostile_class_names_run_names_and_notes_stay_text(full_result: AuditResult) -> None:
    bad = '"><img src=x onerror=alert(1)>'
    result = dataclasses.replace(
        full_result,
        run=bad,
        source=dataclasses.replace(full_result.source, name=bad),
        target=dataclasses.replace(full_result.target, name=bad),
        subject=dataclasses.replace(full_result.subject, model=bad, layer=bad, preprocessing=bad),
        notes=(bad,),
        verdict_reason=bad,
        versions={bad: bad},
    )
    for text in (report_html(result), notebook_html(result)):
        page = Outline(text)
        assert not [attributes for tag, attributes in page.tags if tag == "img" and "onerror" in attributes]
    assert "<img" not in checklist_markdown(result)


def test_every_number_of_every_finding_is_on_the_page(full_result: AuditResult) -> None:
    page = Outline(report_html(full_result))
    for expected in (
        "FAIL: 1 of 5 patches moves frying pan to wok by more than 10 points",
        "23/61 = 37.7% (26.6–50.3, Wilson 95%)",
        "+17.9 to +44.3 points, Tango 99%",
        "20/61 = 32.8%",
        "9/61 = 14.8%",
        "+2.1 to +25.2 points, Tango 99%",
        "244 eligible pictures would settle it.",
        "48/61 = 78.7%",
        "14/61 = 23.0%",
        "3/61 = 4.9%",
        "2/61 = 3.3%",
        "−5.1 to +8.4 points",
        "phase-scrambled 2/61 = 3.3% +34.4 points",
        "2.1% before, 40.6% after",
        "From wok/würzig 004.jpg (wok), box 12, 30, 140, 158 px, cell 20:17:4.",
        "Shows noodles 81.3%, table 11.2%.",
        "5/61 = 8.2% (3.5–17.8, Wilson 95%) against a limit of 25.0%",
        "The search did better than chance: of the third class crops, suggested ones flip 212/1220 = 17.4% of trials, "
        "random ones 61/1586 = 3.8%, a difference of +13.5 points (+7.0 to +19.0 points, Bootstrap 95%).",
        "target object 12 crops 300/732 = 41.0% 1 crop 9/61 = 14.8% not measured",
        "all, with the suggestions' mix of tiers 32 crops 512/1952 = 26.2% 21.0–32.0, Bootstrap 95% 32 crops 98/1952",
        "Crops of strongest contrast, the paper's own ranking, whatever their tier, flip 80/610 = 13.1% of trials.",
        "Raises the log-odds of the target by +1.20 logits more than source crop does",
        "these flip more pictures than mean colour: 9 of 10 by predicted push, 4 of 10 by observed push; of the random "
        "crops 12 of 32.",
        "96 patches tried, 7 confirmed.",
        "screening 600 32 12.5 +0.71 of 40 predicted push",
        "selection 96 7 – – uplift over mean colour",
        "truncated: 2 pictures",
        "image file is truncated (14 bytes not processed)",
        "all/wok/a.gif",
        "probability of wok 3.1% → 87.4%",
        "1 candidate waits for a person's look: c-0005",
        "Time: trials 3 min 21 s",
        "+2.10 ± 0.11 logits",
    ):
        assert expected in page.words, expected
    for finding in full_result.findings:
        assert finding.candidate.name in page.words
        assert finding.reason in page.words
    for row in full_result.survey:
        assert row.candidate.id in page.words


def test_pictures_are_shown_where_they_are_and_missed_where_not(full_result: AuditResult) -> None:
    page = Outline(report_html(full_result))
    alts = [str(attributes["alt"]) for tag, attributes in page.tags if tag == "img"]
    assert sum(alt == "patch c-0003, steam" for alt in alts) == 2  # headline and table
    assert not any(alt.startswith("patch c-0002") for alt in alts)
    assert [alt.split(":")[0] for alt in alts if alt.startswith("atlas")] == [
        "atlas at grid level 10",
        "atlas at grid level 20",
    ]
    assert sum(alt.startswith("frying pan/") for alt in alts) == 2  # first screen and examples
    assert page.words.count("no picture of the photograph it was cut from") >= 5


def test_cells_show_what_they_support_whether_it_holds_and_their_pictures(full_result: AuditResult) -> None:
    holds = CellStability((1.1, 0.9), (1.0, 1.2), 0.8, True)
    cells = (
        replace(full_result.cells[0], stability=replace(holds, survives=False)),
        replace(full_result.cells[1], stability=holds, supports=(CellLabel(8, 0.9, 0.1), CellLabel(0, 0.4, 0.1))),
        full_result.cells[2],
    )
    strip = full_result.pictures["atlas-10"]
    pictures = {**full_result.pictures, "hinton": strip, f"cell-{cells[1].name}": strip, "look-1": strip}
    page = Outline(report_html(replace(full_result, cells=cells, pictures=pictures)))
    assert "The contrast of 1 of 2 cells survives" in page.words
    assert "wok & lid, class 0" in page.words
    alts = [str(attributes["alt"]) for tag, attributes in page.tags if tag == "img"]
    assert f"icon and natural crops of cell {cells[1].name}" in alts
    assert sum(alt.startswith("squares whose area") for alt in alts) == 1
    assert sum(alt.startswith("a picture and what the network sees") for alt in alts) == 1
    without = Outline(report_html(full_result))
    assert "survives: it keeps its sign" not in without.words
    assert not any("squares whose area" in str(attributes.get("alt")) for _, attributes in without.tags)


def test_a_broken_picture_is_said_to_be_missing(unmeasured_result: AuditResult) -> None:
    page = Outline(report_html(unmeasured_result))
    assert [tag for tag, _ in page.tags if tag == "img"] == []
    assert "no picture" in page.words
    assert "svg" not in [tag for tag, _ in page.tags]
    assert "what mere covering does was not measured" in page.words
    assert "Uplift not measured" in page.words
    assert " nan" not in page.words.lower()


def test_what_was_left_out_unopened_is_counted(full_result: AuditResult, empty_result: AuditResult) -> None:
    told = "Left out unopened: hidden <pictures>: 3; no pictures by their names: 1,204."
    assert told in Outline(report_html(full_result)).words
    for text in (report_html(empty_result), checklist_markdown(empty_result)):
        assert "Left out" not in text


def test_an_empty_audit_says_what_is_missing(empty_result: AuditResult) -> None:
    words = Outline(report_html(empty_result)).words
    for expected in (
        "INCONCLUSIVE: no candidate was confirmed for frying pan to wok",
        "120 eligible pictures of frying pan would be needed on confirmation; there were 0.",
        "Not measured: no control ran.",
        "Not measured: too few candidates",
        "0 pictures skipped.",
    ):
        assert expected in words


def test_the_checklist_ticks_only_what_the_evidence_settles(full_result: AuditResult) -> None:
    text = checklist_markdown(full_result)
    lines = text.splitlines()
    for expected in (
        "- [ ] Uplift within its limit of 10 points at 95% confidence: 1 fail, 2 pass, 2 inconclusive, 2 not held",
        "- [x] 6 controls a finding, on the finding's own pictures and placements",
        "- [x] The model knows its own classes: of 903 discovery pictures without a patch it recognises 812/903 = "
        "89.9%, of frying pan 49/60 = 81.7%, of wok 70/84 = 83.3%; its most frequent "
        "answer, wok &amp; lid, takes 71/903 = 7.9%.",
        "- [x] Splits share no picture: discovery 903, selection 899, confirmation 1,204; sha256 of 3,006 pictures "
        "compared",
        "- [x] Reproducible: 16 of 16 trials of c-0001, made a second time in another batch, gave the same place and "
        "class; the flips of 7 findings follow from trials.parquet. seed 7, device cpu, run 2026-pan-wok",
        "- [ ] 3 pictures skipped (truncated 2, animated 1): do the rest still represent?",
        "- [ ] Left out unopened (hidden &lt;pictures&gt;: 3; no pictures by their names: 1,204): "
        "is no picture of yours among them?",
        "- [ ] Say what c-0005 (chopsticks\\_\\*and\\* \\[bowl\\]) shows, "
        "wok or its context: auditor review . (in the folder that holds this file)",
        '- [x] c-0006 was seen by Zoë &lt;b&gt;: object. the handle is the wok\'s "own"',
        "- [ ] The model and weights above are those to be released",
    ):
        assert expected in lines, expected
    assert sum(line.startswith("- [ ] Look at") for line in lines) == 1
    assert "- [x] 3 of 3,009 pictures skipped, 0.1%" in lines
    rows = [line for line in text.partition("## Gate")[0].splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(full_result.findings)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}


AGAIN = Repeat("c-0001", 16, 16, 0.0)


@pytest.mark.parametrize(
    ("checks", "box"),
    [
        (None, "Splits share no picture: discovery 903, selection 899, confirmation 1,204; not checked"),
        (Checks(3006, ("ab12",)), "but 1 content in more than one of them, the first of sha256 ab12"),
        (None, "Reproducible: no trial was made a second time; no flips were counted again."),
        (Checks(9, (), 7, (), Repeat("c-0001", 16, 15, 0.4)), "15 of 16 trials of c-0001, made a second time in"),
        (Checks(9, (), 7, (), Repeat("c-0001", 0, 0, 0.0)), "0 of 0 trials of c-0001, made a second time in"),
        (Checks(9, (), 7, ("c-0003",), AGAIN), "trials.parquet holds other flips of c-0003 than are stated"),
        (Checks(9, (), None, (), AGAIN), "no flips were counted again"),
    ],
)
def test_a_box_that_nobody_checked_or_that_fails_stays_open(
    full_result: AuditResult, checks: Checks | None, box: str
) -> None:
    text = checklist_markdown(replace(full_result, checks=checks))
    (line,) = (line for line in text.splitlines() if box in line)
    assert line.startswith("- [ ] ")


def test_weights_that_nobody_knows_are_not_reproducible(full_result: AuditResult) -> None:
    text = checklist_markdown(replace(full_result, subject=replace(full_result.subject, weights_sha256="")))
    assert re.search(r"^- \[ \] Reproducible: .*the weights are not recorded", text, re.MULTILINE)


def test_nothing_held_to_the_limit_ticks_no_uplift(full_result: AuditResult) -> None:
    beside = tuple(finding for finding in full_result.findings if not finding.held_to_limit)
    text = checklist_markdown(replace(full_result, findings=beside))
    assert "- [ ] Uplift within its limit of 10 points at 95% confidence: 0 fail, 0 pass, 0 inconclusive, 2 not" in text


def test_the_checklist_of_an_empty_audit_ticks_no_evidence(empty_result: AuditResult) -> None:
    evidence = checklist_markdown(empty_result).split("## Evidence")[1].split("## For a person")[0]
    ticked = [line for line in evidence.splitlines() if line.startswith("- [x]")]
    assert ticked == ["- [x] 0 pictures skipped"]
    assert "- [ ] Controls: none ran" in evidence
    assert "- [ ] Fragility: not measured" in evidence


def test_a_control_that_missed_pictures_leaves_its_box_open(full_result: AuditResult) -> None:
    first = full_result.findings[0]
    short = dataclasses.replace(first.controls[0], eligible=60)
    result = dataclasses.replace(
        full_result, findings=(dataclasses.replace(first, controls=(short, *first.controls[1:])),)
    )
    assert "- [ ] 6 controls a finding; incomplete: c-0001 (mean colour: 60 of 61 pictures)" in checklist_markdown(
        result
    )


def test_junit_counts_failures_and_what_was_not_settled(full_result: AuditResult) -> None:
    root = ET.fromstring(junit_xml(full_result))
    suite = root.find("testsuite")
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "8", "failures": "1", "errors": "0", "skipped": "4"
    }  # fmt: skip
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases][-1] == "fragility"
    assert cases[0].get("name") == 'c-0001 noodles <script>alert("x")</script> | a & b (target_context, fixed)'
    failure = cases[0].find("failure")
    assert failure is not None
    assert failure.get("message") == full_result.findings[0].reason
    assert "23/61 = 37.7% (26.6–50.3, Wilson 95%)" in str(failure.text)
    assert [case.find("skipped") is not None for case in cases] == [
        finding.word in (Verdict.INCONCLUSIVE, Verdict.NOT_HELD) for finding in full_result.findings
    ] + [False]
    told = [skipped.get("message") for case in cases for skipped in case.findall("skipped")]
    assert told[1] == "not held: It shows wok itself; that the model answers to it is no news."
    assert [str(message).partition(":")[0] for message in told] == ["inconclusive", "not held"] * 2


def test_hints_work_where_the_run_lies_and_name_no_folder(full_result: AuditResult) -> None:
    for text in (report_html(full_result), checklist_markdown(full_result)):
        assert "auditor review ." in text
        assert not re.search(r"auditor \w+ 2026-pan-wok", text)


def test_junit_never_passes_what_did_not_run(empty_result: AuditResult) -> None:
    suite = ET.fromstring(junit_xml(empty_result)).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("skipped")) == ("2", "2")


def test_the_notebook_fragment_shows_verdict_and_findings(full_result: AuditResult) -> None:
    fragment = Outline(notebook_html(full_result))
    assert fragment.open == []
    assert not {"html", "head", "body"} & {tag for tag, _ in fragment.tags}
    assert "FAIL: 1 of 5 patches" in fragment.words
    assert "48/61 = 78.7%" in fragment.words


def test_the_table_of_formats_names_their_files() -> None:
    assert {name: known.file_name for name, known in FORMATS.items()} == {
        "html": "report.html", "checklist": "checklist.md", "checklist-json": "checklist.json",
        "json": "findings.json", "junit": "junit.xml"
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("kind", ALL)
def test_the_same_result_gives_the_same_bytes(name: str, kind: str, request: pytest.FixtureRequest) -> None:
    result = request.getfixturevalue(kind)
    again = dataclasses.replace(result, pictures=dict(reversed(list(result.pictures.items()))))
    first = FORMATS[name].write(result).encode("utf-8")
    assert FORMATS[name].write(again).encode("utf-8") == first
    assert b"somebody" not in first


def test_what_is_not_held_to_the_limit_wears_no_verdict(full_result: AuditResult) -> None:
    beside = sum(not finding.held_to_limit for finding in full_result.findings)
    page = report_html(full_result)
    table = page[page.index('<section id="findings"') :]
    table = table[: table.index("</section>")]
    assert beside == 2
    assert table.count('class="pill aside"') == beside
    assert table.count('class="pill ') == len(full_result.findings)
    printed = io.StringIO()
    Console(file=printed, width=100).print(findings_table(full_result))
    assert printed.getvalue().count("not held") == beside


def test_the_report_shows_what_the_model_knows_of_its_own_classes(full_result: AuditResult) -> None:
    words = Outline(report_html(full_result)).words
    for expected in (
        "wok wok 70/84 = 83.3% (73.9–89.8, Wilson 95%)",
        "frying pan frying pan 49/60 = 81.7%",
        "all classes but wok wok 6/819 = 0.7%",
        "Shows class 3 wok wok & lid another class class 3 49 5 0 6 wok 2 40 3 1 wok & lid 1 1 27 9",
        "Confusions, the most frequent: 9 of 38 wok & lid called class 2",
    ):
        assert expected in words, expected
    assert "may not be the one you think" not in words


def doubtful(result: AuditResult, doubt: str, accepted: bool = False) -> CleanAccuracy:
    assert result.accuracy is not None
    return replace(result.accuracy, doubts=(doubt,), accepted=accepted)


@pytest.mark.parametrize("accepted", [False, True])
def test_a_doubtful_model_is_told_first_in_every_format(full_result: AuditResult, accepted: bool) -> None:
    doubt = "the model recognises 1 of 84 pictures of wok, so it hardly knows the target"
    result = replace(full_result, verdict=Verdict.INCONCLUSIVE, accuracy=doubtful(full_result, doubt, accepted))
    words = Outline(report_html(result)).words
    assert ("This model may not be the one you think: " + doubt in words) is not accepted
    assert ("Confirmed by limits.unknown_target: " + doubt in words) is accepted
    sentence = verdict_sentence(result)
    assert sentence.startswith(f"INCONCLUSIVE: {doubt}; ") is not accepted
    assert sentence.endswith(f"; {doubt}, as confirmed by limits.unknown_target") is accepted
    word = "confirmed in the configuration (limits.unknown\\_target)" if accepted else "not confirmed by anybody"
    (line,) = [one for one in checklist_markdown(result).splitlines() if "knows its own classes" in one]
    assert line.startswith("- [ ] ")
    assert line.endswith(f"But {doubt} ({word})")
    assert doubt in junit_xml(result)
    assert json.loads(findings_json(result))["clean_accuracy"]["accepted"] is accepted


def test_a_failing_run_fails_though_its_model_is_doubtful(full_result: AuditResult) -> None:
    result = replace(full_result, accuracy=doubtful(full_result, "the model hardly knows the target"))
    assert verdict_sentence(result).startswith("FAIL: 1 of ")
    assert verdict_sentence(result).endswith("; the model hardly knows the target")
