"""A person's marks: from flags, from a file, asked one by one; and what they do to a run's verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image

from auditor.cli import marks as reviews
from auditor.core.records import Review, ReviewMark

SPOTS = "c-002"
AT_OWN = "a-001"


def findings_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "findings.json").read_text())


def numbers_of(findings: dict[str, Any]) -> list[dict[str, Any]]:
    """What was counted: a review changes who can fail, and so the levels at which all are held to the limit."""
    settled = ("verdict", "reason", "review", "tier", "held", "images_needed")
    settled += ("uplift_interval", "p_adjusted", "p_below_adjusted")
    return [{key: value for key, value in one.items() if key not in settled} for one in findings["findings"]]


def of_spots(folder: Path) -> dict[str, Any]:
    return next(one for one in findings_of(folder)["findings"] if one["candidate"] == SPOTS)


def test_context_makes_it_fail(invoke, finished, own_run) -> None:
    assert of_spots(own_run)["verdict"] == "inconclusive"
    result = invoke("review", own_run, "--mark", f"{SPOTS}=context", "--by", "Ada L.", "--why", "spots, no wok")
    assert result.exit_code == 1
    assert "FAIL" in result.stdout
    spots = of_spots(own_run)
    assert spots["verdict"] == "fail"
    assert spots["review"] == {"mark": "context", "reviewer": "Ada L.", "why": "spots, no wok"}
    assert findings_of(own_run)["verdict"] == "fail"
    assert numbers_of(findings_of(own_run)) == numbers_of(findings_of(finished[0]))
    for name in ("report.html", "checklist.md"):
        assert "Ada L." in (own_run / name).read_text()
        assert "Ada L." not in (finished[0] / name).read_text()


def test_object_never_fails_a_model(invoke, own_run) -> None:
    result = invoke("review", own_run, "--mark", f"{SPOTS}=object", "--mark", f"{AT_OWN}=object", "--by", "Ada")
    assert result.exit_code == 0
    assert of_spots(own_run)["verdict"] == "not held"
    assert findings_of(own_run)["verdict"] == "pass"


def test_any_tier_may_be_marked(invoke, finished, own_run) -> None:
    """A third-class crop that shows the target after all is the object, and every format says what it was before."""
    before = findings_of(finished[0])
    third = next(one["candidate"] for one in before["findings"] if one["tier"] == "third_class")
    both = ("--mark", f"{SPOTS}=object", "--mark", f"{AT_OWN}=object")
    mark = ("--mark", f"{third}=object", *both, "--by", "Ada", "--why", "a wok in the back")
    assert invoke("review", own_run, *mark).exit_code == 0
    marked = next(one for one in findings_of(own_run)["findings"] if one["candidate"] == third)
    assert (marked["tier"], marked["verdict"]) == ("target_object", "not held")
    assert numbers_of(findings_of(own_run)) == numbers_of(before)
    seen = f"- [x] {third} was seen by Ada: object (third class before). a wok in the back"
    assert seen in (own_run / "checklist.md").read_text().splitlines()
    assert f"- [x] {SPOTS} was seen by Ada: object. a wok in the back" in (own_run / "checklist.md").read_text()
    assert "(third class before)" in (own_run / "report.html").read_text()


def test_a_later_mark_replaces_an_earlier_one_and_resuming_keeps_it(invoke, own_run) -> None:
    invoke("review", own_run, "--mark", f"{SPOTS}=object", "--by", "Ada")
    assert invoke("review", own_run, "--mark", f"{SPOTS}=context", "--by", "Grace").exit_code == 1
    assert of_spots(own_run)["review"]["reviewer"] == "Grace"
    reviewed = (own_run / "findings.json").read_bytes()
    assert invoke("run", "--resume", own_run).exit_code == 1
    assert (own_run / "findings.json").read_bytes() == reviewed


def test_a_mark_holds_for_the_pixels_that_were_looked_at(invoke, finished, own_run) -> None:
    """Candidates made anew keep their marks where they are the same; other pixels of that name do not inherit one."""
    invoke("review", own_run, "--mark", f"{SPOTS}=object", "--mark", f"{AT_OWN}=object", "--by", "Ada")
    assert invoke("suggest", own_run).exit_code == 0
    assert invoke("run", "--resume", own_run).exit_code == 0
    assert of_spots(own_run)["review"]["mark"] == "object"

    stored = json.loads((own_run / "reviews.json").read_text())
    for one in stored:
        one["sha256"] = "0" * 64
    (own_run / "reviews.json").write_text(json.dumps(stored))
    assert invoke("run", "--resume", own_run).exit_code == finished[1].exit_code
    assert of_spots(own_run)["review"] is None


def test_marks_from_a_csv(invoke, own_run, tmp_path) -> None:
    marks = tmp_path / "marks.csv"
    marks.write_text(f'candidate,mark,reviewer,why\n{SPOTS},context,Ada,"two spots, no wok"\n')
    assert invoke("review", own_run, "--csv", marks).exit_code == 1
    assert of_spots(own_run)["review"] == {"mark": "context", "reviewer": "Ada", "why": "two spots, no wok"}


def test_asked_one_by_one(invoke, own_run) -> None:
    """The question says where to look; an answer that is none is asked for again."""
    waiting = [one for one in findings_of(own_run)["findings"] if one["tier"] == "target_image"]
    assert {one["candidate"] for one in waiting} == {SPOTS, AT_OWN}
    assert invoke("review", own_run, "--mark", f"{AT_OWN}=object", "--by", "Ada").exit_code == 3
    result = invoke("review", own_run, stdin="Ada\nperhaps\ncontext\nspots\n")
    assert result.exit_code == 1
    assert str(own_run / "candidates" / f"{SPOTS}.png") in result.stderr
    assert str(own_run / "pictures" / f"origin-{SPOTS}.png") in result.stderr
    assert str(own_run / "asked" / f"review-{SPOTS}.png") in result.stderr
    with (
        Image.open(own_run / "asked" / f"review-{SPOTS}.png") as both,
        Image.open(own_run / "pictures" / f"origin-{SPOTS}.png") as origin,
    ):
        assert (both.height, both.width) == (origin.height, origin.height + origin.height // 20 + origin.width)
        beside = both.crop((both.width - origin.width, 0, both.width, both.height))
        assert beside.tobytes() == origin.convert("RGB").tobytes()
    assert "'perhaps' is none of" in result.stderr
    assert of_spots(own_run)["review"] == {"mark": "context", "reviewer": "Ada", "why": "spots"}
    again = invoke("review", own_run)
    assert again.exit_code == 1
    assert "no candidate awaits" in again.stderr


def test_an_answer_is_kept_though_the_next_question_is_not_answered(invoke, own_run, monkeypatch) -> None:
    def one_and_no_more(result, run, reviewer, ask):
        yield Review(SPOTS, ReviewMark.CONTEXT, "Ada", "spots")
        raise typer.Abort

    monkeypatch.setattr(reviews, "asked_reviews", one_and_no_more)
    assert invoke("review", own_run).exit_code == 2
    assert of_spots(own_run)["review"] == {"mark": "context", "reviewer": "Ada", "why": "spots"}


def test_every_format_names_the_tier_that_the_review_settled(invoke, own_run) -> None:
    assert of_spots(own_run)["tier"] == "target_image"
    marks = ("--mark", f"{SPOTS}=object", "--mark", f"{AT_OWN}=object")
    assert invoke("review", own_run, *marks, "--by", "Ada").exit_code == 0
    assert of_spots(own_run)["tier"] == "target_object"
    assert "(target_object, fixed)" in (own_run / "junit.xml").read_text()
    lines = (own_run / "checklist.md").read_text().splitlines()
    (line,) = [one for one in lines if one.startswith("| ") and SPOTS in one]
    assert "| not held |" in line
    assert "| target object" in line
    page = (own_run / "report.html").read_text()
    assert "A person has to say" not in page[: page.index('<section id="glossary"')]


def test_skipping_leaves_it_open(invoke, own_run) -> None:
    assert invoke("review", own_run, "--by", "Ada", stdin="skip\nskip\n").exit_code == 3
    assert of_spots(own_run)["review"] is None


def test_nobody_at_the_keyboard(invoke, own_run) -> None:
    before = (own_run / "findings.json").read_bytes()
    result = invoke("review", own_run, "--by", "Ada", stdin="")
    assert result.exit_code == 2
    assert (own_run / "findings.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--mark", "c-04=context", "--by", "Ada"], "candidate 'c-04' is not in the findings of this run; the nearest"),
        (["--mark", "c-002=wok", "--by", "Ada"], "a mark is object (it shows the target itself) or context"),
        (["--mark", "c-002", "--by", "Ada"], "--mark takes CANDIDATE=object or CANDIDATE=context, got 'c-002'"),
        (["--mark", "c-002=context"], "say who looked: --by NAME"),
        (["--mark", "c-002=context", "--by", "  "], "say who looked: --by NAME"),
        (["--csv", "missing.csv"], "missing.csv cannot be read"),
    ],
)
def test_marks_that_cannot_be_taken(arguments, sentence, invoke, finished) -> None:
    folder = finished[0]
    before = (folder / "findings.json").read_bytes()
    result = invoke("review", folder, *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert (folder / "findings.json").read_bytes() == before
    assert not (folder / "reviews.json").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("candidate,mark\nc-002,context\n", "'reviewer' is missing"),
        ("candidate,mark,reviewer,why\n", "needs rows with the columns"),
        ("candidate,mark,reviewer,why\nc-002,context,,\n", "line 2: say who looked"),
        ("candidate,mark,reviewer,why\nc-002\n", "line 2"),
        ("candidate,mark,reviewer,why\nc-999,context,Ada,\n", "candidate 'c-999' is not in"),
        ("candidate,mark,reviewer,why\nc-002,both,Ada,\n", "got 'both'"),
    ],
)
def test_csv_marks_that_cannot_be_taken(text, sentence, invoke, finished, tmp_path) -> None:
    marks = tmp_path / "marks.csv"
    marks.write_text(text)
    result = invoke("review", finished[0], "--csv", marks)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not (finished[0] / "reviews.json").exists()


def test_a_mark_and_a_csv_at_once_are_refused(invoke, finished, tmp_path) -> None:
    marks = tmp_path / "marks.csv"
    marks.write_text("candidate,mark,reviewer,why\n")
    result = invoke("review", finished[0], "--csv", marks, "--mark", "c-002=context", "--by", "Ada")
    assert result.exit_code == 2
    assert "--mark or --csv" in result.stderr


@pytest.mark.parametrize("step", range(8))
def test_a_killed_review_leaves_marks_and_report_that_agree(step: int, invoke, finished, own_run, monkeypatch) -> None:
    """Killed before its n-th file took its place: the mark is there or not, and every report says the same."""
    marked = ("review", own_run, "--mark", f"{SPOTS}=context", "--by", "Ada")
    replace, replaced = Path.replace, []

    def killed(path: Path, target: Path) -> Path:
        if len(replaced) == step:
            raise KeyboardInterrupt
        replaced.append(target)
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        assert invoke(*marked).exit_code == 2
    is_marked = (own_run / "reviews.json").exists()
    assert is_marked == (step > 1)  # the manifest is told before what is going to be there
    told = json.loads(invoke("report", own_run, "--format", "json").stdout)
    assert told["verdict"] == ("fail" if is_marked else "inconclusive")
    assert invoke("report", own_run).exit_code == (1 if is_marked else 3)
    assert findings_of(own_run)["verdict"] == told["verdict"]
    assert invoke("run", "--resume", own_run).exit_code == (1 if is_marked else 3)
    assert not [path for path in own_run.rglob("*") if path.name.endswith(".part")]
    assert invoke(*marked).exit_code == 1
    assert of_spots(own_run)["verdict"] == "fail"
    assert numbers_of(findings_of(own_run)) == numbers_of(findings_of(finished[0]))


def test_a_review_that_is_killed_while_it_writes_leaves_the_old_report(invoke, finished, own_run, monkeypatch) -> None:
    """Everything is written beside itself before anything takes its place."""
    write, written = Path.write_bytes, []

    def killed(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) == 4:
            raise KeyboardInterrupt
        return write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", killed)
        assert invoke("review", own_run, "--mark", f"{SPOTS}=context", "--by", "Ada").exit_code == 2
    for path in finished[0].rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            assert (own_run / path.relative_to(finished[0])).read_bytes() == path.read_bytes()
    assert not (own_run / "reviews.json").exists()
