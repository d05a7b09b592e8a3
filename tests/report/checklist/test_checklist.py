"""checklist.md and checklist.json: the same items, thumbnails beside, waivers in words, and who signed what."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import date

import jsonschema
import pytest
from PIL import Image

from auditor.core import records as r
from auditor.core.hashing import sha256_of
from auditor.core.policy import ITEMS
from auditor.core.policy_file import policy_of
from auditor.core.records.policy import Decision, SignOff
from auditor.report.checklist import checklist_json, checklist_markdown
from auditor.report.checklist.as_json import checklist_schema
from auditor.report.checklist.thumbnails import LONGEST_PX, thumbnails
from auditor.report.gate import State
from auditor.report.html import report_html
from auditor.report.words import GATES

ALL = ["full_result", "empty_result", "unmeasured_result"]
EVIL = "Ada | <b>x</b>\n# y [z](w)"


def held(result: r.AuditResult, text: str) -> r.AuditResult:
    return replace(result, policy=policy_of(text.encode(), "policy.toml", "policy.toml", date(2026, 11, 26)))


def waiver(until: str) -> str:
    return f"[[waivers]]\nitem = 'uplift'\nby = {json.dumps(EVIL)}\nreason = 'spring | release'\nuntil = {until}\n"


def signed(result: r.AuditResult, sha256: str) -> r.AuditResult:
    one = SignOff(
        Decision.CONDITIONAL, EVIL, "lead", "2026-11-26", "tolerated", "train again", "Grace", "in May", "fail", "fail",
        sha256, "ab" * 32,
    )  # fmt: skip
    return replace(result, signed=(one,))


@pytest.mark.parametrize("kind", ALL)
def test_markdown_and_json_say_the_same(kind: str, request: pytest.FixtureRequest) -> None:
    result = request.getfixturevalue(kind)
    text, told = checklist_markdown(result), json.loads(checklist_json(result))
    assert [one["id"] for one in told["items"]] == list(ITEMS)
    rows = re.findall(r"^\| (\S+(?: run)?) \| .* \[report\]\((\S+)\) \|$", text, re.MULTILINE)
    assert rows == [(one["state"], one["link"]) for one in told["items"]]
    ticks = re.findall(r"^- \[(.)\]", text.split("## Evidence")[1].split("## For a person")[0], re.MULTILINE)
    assert [tick == "x" for tick in ticks] == [one["own_state"] == "pass" for one in told["items"]]
    assert f"## Gate: {told['gate']}\n" in text
    assert told["policy"]["sha256"] in text
    sha256 = sha256_of(report_html(result).encode())
    assert told["report"] == {"file": "report.html", "sha256": sha256}
    assert sha256 in text


def test_a_waived_item_says_by_whom_until_when_and_is_not_ticked(full_result: r.AuditResult) -> None:
    result = held(full_result, waiver("2026-11-26"))
    text = checklist_markdown(result)
    (line,) = [one for one in text.splitlines() if "Uplift within its limit" in one]
    assert line.startswith("- [ ] ")
    assert "(waived until 2026-11-26 by Ada \\| &lt;b&gt;x&lt;/b&gt; \\# y \\[z\\](w): spring \\| release)" in line
    assert "| waived | Patches stay within the uplift limit |" in text
    assert "Held to policy.toml, sha256 `" in text
    (one,) = [one for one in json.loads(checklist_json(result))["items"] if one["id"] == "uplift"]
    assert (one["state"], one["own_state"], one["waivers"][0]["until"]) == ("waived", "fail", "2026-11-26")
    assert "waived until 2026-11-26 by Ada | &lt;b&gt;x&lt;/b&gt;" in report_html(result)


def test_a_lapsed_waiver_leaves_the_item_as_it_is_and_says_so(full_result: r.AuditResult) -> None:
    text = checklist_markdown(held(full_result, waiver("2026-11-25")))
    assert "a waiver lapsed on 2026-11-25 by Ada" in text
    assert "so the item counts as it is)" in text
    assert "| fail | Patches stay within the uplift limit |" in text


def test_pictures_are_small_files_beside_and_no_data(full_result: r.AuditResult) -> None:
    files = thumbnails(full_result)
    assert "thumbnails/c-0001.png" in files
    assert "thumbnails/c-0002.png" not in files  # it has no picture
    for png in files.values():
        with Image.open(io.BytesIO(png)) as image:
            assert max(image.size) <= LONGEST_PX
    text = checklist_markdown(full_result)
    assert set(re.findall(r"!\[\]\(([^)]*)\)", text)) == set(files)
    assert "data:" not in text


def test_a_name_that_a_link_cannot_hold_is_quoted(full_result: r.AuditResult) -> None:
    first = full_result.findings[0]
    odd = replace(first, candidate=replace(first.candidate, id="u-a b(c)"))
    result = replace(full_result, findings=(odd,), pictures={"candidate-u-a b(c)": full_result.pictures["example-0"]})
    assert list(thumbnails(result)) == ["thumbnails/u-a b(c).png"]
    assert "![](thumbnails/u-a%20b%28c%29.png)" in checklist_markdown(result)


def test_a_signature_fits_the_report_that_was_signed_and_no_other(full_result: r.AuditResult) -> None:
    unsigned = checklist_markdown(full_result)
    assert "| Decision (approve, conditional, reject) | |" in unsigned
    sha256 = sha256_of(report_html(full_result).encode())
    fits = signed(full_result, sha256)
    assert report_html(fits) == report_html(full_result)  # signing changes nothing of what is signed
    text = checklist_markdown(fits)
    assert "The signature fits report.html." in text
    assert "| conditional | Ada \\| &lt;b&gt;x&lt;/b&gt; \\# y \\[z\\](w), lead |" in text
    assert "Decision (approve" not in text
    assert json.loads(checklist_json(fits))["signed"][0]["fits"] is True

    for changed in (replace(fits, seed=8), held(fits, "[eligible]\nat_least = 31")):
        assert "**Signature no longer fits: report.html was changed after it was signed.**" in checklist_markdown(
            changed
        )
        assert json.loads(checklist_json(changed))["signed"][0]["fits"] is False


def test_the_report_has_lines_to_sign_by_hand(full_result: r.AuditResult) -> None:
    page = report_html(full_result)
    block = page[page.index('<section id="sign-off"') :].split("</section>")[0]
    for line in ("approve", "conditional", "reject", "Name", "Role", "Rationale for the limits", "Test again"):
        assert line in block
    assert block.count('class="state ') == len(ITEMS)


def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(checklist_schema())
    return jsonschema.Draft202012Validator(checklist_schema())


def under_everything(result: r.AuditResult) -> r.AuditResult:
    """A policy with waivers in force, lapsed and unused, and a signature."""
    policy = waiver("2026-11-26") + waiver("2020-01-01").replace("uplift", "looks") + waiver("2026-12-01").replace(
        "uplift", "splits"
    )  # fmt: skip
    return signed(held(result, policy), "cd" * 32)


@pytest.mark.parametrize("kind", ALL)
def test_the_schema_holds_every_checklist(kind: str, request: pytest.FixtureRequest) -> None:
    for result in (request.getfixturevalue(kind), under_everything(request.getfixturevalue(kind))):
        assert [error.message for error in validator().iter_errors(json.loads(checklist_json(result)))] == []


def test_the_schema_lists_what_is_there_in_its_order(full_result: r.AuditResult) -> None:
    document, described = json.loads(checklist_json(under_everything(full_result))), checklist_schema()
    assert list(document) == list(described["properties"])
    for name, one in (
        ("policy", document["policy"]),
        ("item", document["items"][0]),
        ("waiver", document["items"][0]["waivers"][0]),
        ("box", document["tested"][0]),
        ("signature", document["signed"][0]),
    ):
        assert list(one) == list(described["$defs"][name]["properties"]), name
    item = described["$defs"]["item"]["properties"]
    assert item["id"]["enum"] == list(ITEMS)
    assert item["state"]["enum"] == [str(state) for state in State]
    assert described["properties"]["gate"]["enum"] == list(GATES.values())
    assert described["$defs"]["signature"]["properties"]["decision"]["enum"] == [str(one) for one in Decision]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("schema_version",), "2.0"),
        (("gate",), "inconclusive"),
        (("unknown",), 1),
        (("items", 0, "state"), "passed"),
        (("items", 0, "own_state"), "waived"),
        (("items", 0, "link"), "https://example.org"),
        (("items", 0, "number"), "12%"),
        (("items", 0, "waivers", 0, "until"), "tomorrow"),
        (("items", 0, "waivers", 0, "by"), ""),
        (("tested", 0, "ticked"), "x"),
        (("report", "sha256"), "abc"),
        (("signed", 0, "fits"), None),
        (("policy", "fail_on"), "never"),
    ],
)
def test_the_schema_rejects_a_wrong_value(
    full_result: r.AuditResult, place: tuple[str | int, ...], wrong: object
) -> None:
    document = json.loads(checklist_json(under_everything(full_result)))
    inner = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = wrong
    assert list(validator().iter_errors(document))
