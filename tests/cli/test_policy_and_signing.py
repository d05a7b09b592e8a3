"""A policy on the command line: the gate's exit codes, what is refused, and a person's signature under a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from auditor.cli.edge import EXIT_CODES
from auditor.cli.gate import FAIL_ON, exit_code
from auditor.core.hashing import sha256_of
from auditor.core.policy_file import default_policy_text, policy_of
from auditor.core.records import Verdict
from auditor.report.gate import checklist_of
from auditor.run.folder import RunFolder
from auditor.run.stages.report import stored_result

Invoke = Callable[..., Result]
DECISION = ("--name", "Ada", "--role", "lead", "--rationale", "as agreed")


def waiver(item: str, until: str = "2999-01-01") -> str:
    return f'[[waivers]]\nitem = "{item}"\nby = "Ada"\nreason = "as agreed"\nuntil = {until}\n'


@pytest.fixture
def policy(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (tmp_path / "team.toml").write_text(text)
        return tmp_path / "team.toml"

    return write


def items(folder: Path) -> dict[str, str]:
    return {one["id"]: one["state"] for one in json.loads((folder / "checklist.json").read_text())["items"]}


def test_the_default_policy_is_written_once(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "kitchen.toml"
    assert invoke("policy", path).exit_code == 0
    assert path.read_text() == default_policy_text()
    assert invoke("policy", path).exit_code == 2
    assert path.read_text() == default_policy_text()


def test_a_report_under_a_policy_follows_it_and_keeps_it(invoke: Invoke, own_run: Path, policy: Callable) -> None:
    before = (own_run / "findings.json").read_bytes()
    assert invoke("report", own_run).exit_code == 3  # its verdict, of a candidate that nobody looked at
    strict = invoke("report", own_run, "--policy", policy("[eligible]\nat_least = 5000\n"))
    assert strict.exit_code == 1
    assert "gate: FAIL by policy.toml (fail: eligible" in " ".join(strict.stdout.split())
    assert items(own_run)["eligible"] == "fail"
    text = (own_run / "policy.toml").read_bytes()
    assert json.loads((own_run / "checklist.json").read_text())["policy"]["sha256"] == sha256_of(text)
    assert invoke("report", own_run).exit_code == 1  # it stays
    assert (own_run / "findings.json").read_bytes() == before
    (own_run / "policy.toml").unlink()
    assert invoke("report", own_run).exit_code == 3


def test_a_waiver_lets_an_open_run_through_until_it_lapses(invoke: Invoke, own_run: Path, policy: Callable) -> None:
    invoke("report", own_run)
    bad = [name for name, state in items(own_run).items() if state in ("fail", "open", "not run")]
    decide = [one["id"] for one in json.loads((own_run / "checklist.json").read_text())["items"] if one["decides"]]
    named = [name for name in bad if name in decide]
    assert "uplift" in named
    assert invoke("report", own_run, "--policy", policy("".join(map(waiver, named)))).exit_code == 0
    assert items(own_run)["uplift"] == "waived"
    over = "".join(waiver(name, "2020-01-01") for name in named)
    assert invoke("report", own_run, "--policy", policy(over)).exit_code in (1, 3)
    assert items(own_run)["uplift"] == "open"
    assert "a waiver lapsed on 2020-01-01 by Ada" in (own_run / "checklist.md").read_text()


def test_a_waiver_with_nothing_to_let_through_is_refused_after_the_reports_are_written(
    invoke: Invoke, own_run: Path, policy: Callable
) -> None:
    (own_run / "checklist.md").unlink()
    result = invoke("report", own_run, "--policy", policy(waiver("splits")))
    assert result.exit_code == 2
    assert "nothing to let through in this run: 'splits' until 2999-01-01 by Ada" in " ".join(result.stderr.split())
    assert (own_run / "checklist.md").is_file()


def test_what_exit_code_1_stands_for(invoke: Invoke, finished: tuple[Path, Result], own_run: Path) -> None:
    result = stored_result(RunFolder.open(finished[0]))
    assert [exit_code(result, one) for one in (None, *FAIL_ON)] == [3, 3, 1, 0]
    open_fails = replace(result, policy=policy_of(b'fail_on = "open"', "policy.toml", "policy.toml"))
    gate = EXIT_CODES[checklist_of(open_fails).gate]
    assert [exit_code(open_fails, one) for one in (None, *FAIL_ON)] == [1, gate, 1, 0]
    failed = replace(result, verdict=Verdict.FAIL)
    assert [exit_code(failed, one) for one in (None, *FAIL_ON)] == [1, 1, 1, 0]
    assert invoke("report", own_run, "--fail-on", "open").exit_code == 1


def test_bad_policies_and_flags_are_one_sentence_and_change_nothing(
    invoke: Invoke, own_run: Path, policy: Callable
) -> None:
    before = {file.name: file.read_bytes() for file in own_run.iterdir() if file.is_file()}
    for words, said in (
        (("--policy", policy("[fragilty]\n")), "did you mean 'fragility'?"),
        (("--policy", "nowhere.toml"), "there is no policy nowhere.toml"),
        (("--fail-on", "sometimes"), "--fail-on takes fail, open or never, got 'sometimes'"),
        (("--baseline", own_run), "--baseline goes with --format sarif"),
        (("--format", "json", "--fail-on", "open"), "--format prints one"),
    ):
        result = invoke("report", own_run, *words)
        assert result.exit_code == 2
        assert said in " ".join(result.stderr.split())
        assert len(result.stderr.strip().splitlines()) <= 2
    assert {file.name: file.read_bytes() for file in own_run.iterdir() if file.is_file()} == before


def test_a_run_s_policy_is_looked_at_before_anything_is_made(
    invoke: Invoke, world, tmp_path: Path, policy: Callable
) -> None:
    told = policy("[uplift]\nat_most = 7\n")
    for words in (
        ("run", world.config, "--policy", told, "--out", tmp_path / "run"),
        ("check", world.config, "--policy", told),
    ):
        result = invoke(*words)
        assert result.exit_code == 2
        assert "uplift.at_most: Input should be less than 1, got 7" in " ".join(result.stderr.split())
    assert not (tmp_path / "run").exists()


def test_a_policy_in_the_configuration_holds_the_run_from_its_start(
    invoke: Invoke, world, tmp_path: Path, policy: Callable
) -> None:
    told, folder, config = policy("[eligible]\nat_least = 5000\n"), tmp_path / "run", world.config.parent / "held.toml"
    config.write_text(f'policy = "{told}"\n{world.config.read_text()}')
    result = invoke("trial", config, "--patches", world.folder / "stickers", "--out", folder)
    assert result.exit_code == 1
    assert "gate: FAIL by policy.toml (fail: uplift, eligible" in " ".join(result.stdout.split())
    assert (folder / "policy.toml").read_bytes() == told.read_bytes()
    assert items(folder / "patch-trials" / "stickers")["eligible"] == "fail"


def test_signing_binds_a_decision_to_the_report(invoke: Invoke, own_run: Path) -> None:
    assert invoke("sign", own_run).exit_code == 3
    invoke("report", own_run)
    report = (own_run / "report.html").read_bytes()
    result = invoke("sign", own_run, "--decision", "approve", *DECISION, "--again", "2027-02-01")
    assert result.exit_code == 0, result.output
    assert (own_run / "report.html").read_bytes() == report
    (one,) = json.loads((own_run / "sign-off.json").read_text())
    assert (one["decision"], one["name"], one["again"]) == ("approve", "Ada", "2027-02-01")
    assert one["report_sha256"] == sha256_of(report)
    assert "The signature fits report.html." in (own_run / "checklist.md").read_text()
    assert invoke("sign", own_run).exit_code == 0

    (own_run / "report.html").write_bytes(report + b"<!-- kinder words -->")
    changed = invoke("sign", own_run)
    assert changed.exit_code == 3
    assert "Signature no longer fits: report.html was changed after it was signed." in changed.stdout
    refused = invoke("sign", own_run, "--decision", "approve", *DECISION)
    assert refused.exit_code == 2
    assert "is not the report that this run makes" in " ".join(refused.stderr.split())


def test_a_review_after_the_signature_takes_it_off_and_a_later_one_stands_beside(invoke: Invoke, own_run: Path) -> None:
    invoke("report", own_run)
    invoke("sign", own_run, "--decision", "approve", *DECISION)
    reviewed = invoke("review", own_run, "--mark", "c-002=context", "--by", "Grace")
    assert reviewed.exit_code == 1
    assert "Signature no longer fits" in " ".join(reviewed.stdout.split())
    assert "Signature no longer fits" in (own_run / "checklist.md").read_text()
    bare = invoke("sign", own_run, "--decision", "approve", *DECISION)
    assert bare.exit_code == 2
    assert "to approve in spite of a fail, give --mitigation, --owner as well" in " ".join(bare.stderr.split())
    assert invoke("sign", own_run, "--decision", "reject", *DECISION).exit_code == 0
    assert [one["decision"] for one in json.loads((own_run / "sign-off.json").read_text())] == ["approve", "reject"]
    assert invoke("sign", own_run).exit_code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--decision", "maybe", *DECISION), "--decision takes approve, conditional or reject, got 'maybe'"),
        (("--decision", "approve", "--name", "Ada"), "to approve, give --role, --rationale as well"),
        (("--decision", "conditional", *DECISION), "to approve under conditions, give --mitigation, --owner as well"),
        (DECISION, "to sign, give --decision as well"),
    ],
)
def test_a_decision_that_is_not_whole_is_refused(invoke: Invoke, own_run: Path, words: tuple, said: str) -> None:
    result = invoke("sign", own_run, *words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert not (own_run / "sign-off.json").exists()


def test_damaged_signatures_are_told_and_kept(invoke: Invoke, own_run: Path) -> None:
    (own_run / "sign-off.json").write_text("[{")
    for words in (("sign", own_run), ("report", own_run)):
        result = invoke(*words)
        assert result.exit_code == 2
        assert "sign-off.json is damaged" in " ".join(result.stderr.split())
    assert (own_run / "sign-off.json").read_text() == "[{"
