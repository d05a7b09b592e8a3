"""`auditor sign`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.edge import FAILED, INCONCLUSIVE, PASSED, RunArgument, answer, app, edge
from auditor.core.errors import ConfigError

if TYPE_CHECKING:
    from auditor.report.checklist.signatures import Signature


@app.command()
@edge
def sign(
    run_folder: RunArgument,
    decision: Annotated[
        str | None, typer.Option(help="approve, conditional or reject; left out: say who signed, and what")
    ] = None,
    name: Annotated[str, typer.Option(help="who decides")] = "",
    role: Annotated[str, typer.Option(help="in which role")] = "",
    rationale: Annotated[str, typer.Option(help="why these limits")] = "",
    mitigation: Annotated[str, typer.Option(help="what is done about what was found")] = "",
    owner: Annotated[str, typer.Option(help="who sees to it")] = "",
    again: Annotated[str, typer.Option(help="when to test again: a day, or an occasion in words")] = "",
) -> None:
    """Sign a finished run's report, or say whether it is signed and unchanged."""
    from auditor.core.records.policy import Decision
    from auditor.run.signing import Deciding, sign_run, signed_so_far
    from auditor.run.upgrade import open_folder

    said = (name, role, rationale, mitigation, owner, again)
    folder = open_folder(run_folder)
    if decision is None:
        if any(said):
            raise ConfigError("to sign, give --decision as well: approve, conditional or reject")
        raise typer.Exit(_shown(signed_so_far(folder)))
    *others, last = Decision
    if decision not in (*others, last):
        raise ConfigError(f"--decision takes {', '.join(others)} or {last}, got {decision!r}")
    signature = sign_run(folder, Deciding(Decision(decision), *said))
    checklist = folder.path / "checklist.md"
    answer(
        {"signed": _value(signature), "checklist": checklist}, f"signed: {_words(signature)}", f"checklist: {checklist}"
    )


def _shown(signatures: tuple[Signature, ...]) -> int:
    """Print decisions in their order; the exit code of the last."""
    lines = [f"{_words(signature)}. {signature.words}" for signature in signatures]
    answer({"signatures": list(map(_value, signatures))}, *(lines or ["nobody has signed"]))
    if not signatures or not signatures[-1].fits:
        return INCONCLUSIVE
    return FAILED if signatures[-1].signed.decision == "reject" else PASSED


def _words(signature: Signature) -> str:
    one = signature.signed
    return f"{one.decision} by {one.name}, {one.role}, on {one.day}, report.html of sha256 {one.report_sha256}"


def _value(signature: Signature) -> dict[str, object]:
    return {**asdict(signature.signed), "fits": signature.fits}
