"""The full audits of the pairs that lead a survey, each in a folder of its own below the survey's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PureWindowsPath

from pydantic import TypeAdapter

from auditor.core.hashing import sha256_of
from auditor.core.records import AuditResult, Finding, Placement, Split
from auditor.core.records.whole_model import AuditOfPair, SurveyedPair, WholeModel
from auditor.core.settings.trials import SHARING
from auditor.core.shelf import slug
from auditor.report.gate import checklist_of
from auditor.report.numbers import counts, points
from auditor.report.summary import verdict_sentence
from auditor.run.audit import continue_run, new_run, stored_config, with_compute
from auditor.run.catalogue import SURVEYED
from auditor.run.folder import RunFolder
from auditor.run.ledger import Look, enter
from auditor.run.stage import Run
from auditor.run.stages.images import IMAGES
from auditor.run.survey.begin import config_of_pair
from auditor.run.survey.crops import CROPS, cut
from auditor.run.survey.numbers import shown_names, source_index
from auditor.run.survey.pasting import crop_number
from auditor.run.survey.pictures import pictures_of
from auditor.run.upgrade import open_folder
from auditor.trials.patch import pixels_sha256

FOLDER, FILE = SURVEYED, "audits.json"


def audit_leading(run: Run, whole: WholeModel, count: int) -> tuple[AuditOfPair, ...]:
    """Audit the pairs that lead, or go on with their audits; those of earlier calls stay.

    The survey's look at a pair's confirmation pictures is entered in the ledger before its audit, whose checklist and
    report so say that the pair was chosen by some of them.
    """
    found = {(one.source, one.target): one for one in stored_audits(run.folder)}
    for place, pair in enumerate(whole.pairs[:count], start=1):
        run.progress.say(f"audit {place} of {min(count, len(whole.pairs))}: {pair.source} → {pair.target}")
        found[pair.source, pair.target] = _audited(run, pair)
        values = TypeAdapter(tuple[AuditOfPair, ...]).dump_python(_in_order(whole, found.values()), mode="json")
        run.folder.write_json(FILE, values)
    return _in_order(whole, found.values())


def _in_order(whole: WholeModel, audits: Iterable[AuditOfPair]) -> tuple[AuditOfPair, ...]:
    place = {(pair.source, pair.target): number for number, pair in enumerate(whole.pairs)}
    return tuple(sorted(audits, key=lambda one: place[one.source, one.target]))


def stored_audits(folder: RunFolder) -> tuple[AuditOfPair, ...]:
    """The audits that were made, by the pairs' order."""
    return TypeAdapter(tuple[AuditOfPair, ...]).validate_json(folder.read(FILE)) if folder.has(FILE) else ()


def _audited(run: Run, pair: SurveyedPair) -> AuditOfPair:
    source, target = source_index(run, pair.source), shown_names(run).index(pair.target)
    inside = f"{FOLDER}/{source:03d}-{slug(pair.source)[:40]}-to-{target:03d}-{slug(pair.target)[:40]}"
    path = run.folder.path / inside
    if path.exists():
        folder = open_folder(path)
        config = with_compute(stored_config(folder), run.config.compute.model_dump(include=set(SHARING)))
    else:
        config = config_of_pair(run.config, run.inputs.classifier.class_names, source, target)
        folder = new_run(config, path)
    _enter_look(run, folder, pair, source, target)
    return _told(continue_run(folder, config, run.progress).result, pair, inside)


def _enter_look(run: Run, folder: RunFolder, pair: SurveyedPair, source: int, target: int) -> None:
    """Note which confirmation pictures the survey saw of the pair's source, and with which crops on them."""
    pool, subject = run.get(IMAGES), run.inputs.subject
    pictures, classes = pictures_of(run), range(len(run.inputs.class_names))
    rows = pictures.rows[Split.CONFIRMATION][source][pictures.shown(Split.CONFIRMATION, source) != target]
    patches = cut(run, run.get(CROPS), [crop_number(pair.measured.crop)])
    place = Placement.FIXED if pair.measured.spot is None else Placement.OWN
    pasting = run.config.trials.model_copy(update={"placements": (place,)})
    look = Look(
        run=run.folder.name,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        what="a survey of all pairs",
        model=PureWindowsPath(subject.model).name,
        weights_sha256=subject.weights_sha256,
        source=(source,) if source in classes else tuple(one for one in classes if one != target),
        target=(target,),
        seed=run.config.seed,
        settings=sha256_of(pasting.deciding.encode()),
        pictures=tuple(sorted(pool.images[row].key for row in rows)),
        patches=tuple(sorted({pixels_sha256(patch) for patch in patches})),
    )
    enter(folder.path.resolve().parent, look, {})


def _told(result: AuditResult, pair: SurveyedPair, inside: str) -> AuditOfPair:
    held = [finding for finding in result.findings if finding.held_to_limit]
    states = Counter(str(item.state.value) for item in checklist_of(result).items)
    return AuditOfPair(
        source=pair.source,
        target=pair.target,
        folder=inside,
        verdict=str(result.verdict),
        sentence=verdict_sentence(result),
        strongest=_strongest(max(held, key=lambda one: one.uplift)) if held else "",
        checklist=", ".join(f"{number} {state}" for state, number in sorted(states.items())),
    )


def _strongest(finding: Finding) -> str:
    flips = counts(finding.flips, finding.eligible)
    return f"{finding.candidate.name}: {flips}, {points(finding.uplift)} over {finding.control.name}"
