"""Where and how large a patch has to be: counted again from the table, resumed, switched off, and of older runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from click.testing import Result

from auditor.core.progress import Silence
from auditor.run.audit import stored_config
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.places import BLOCKS, MAPS, PLACES, TABLE
from auditor.run.stages.trials import open_table
from auditor.trials.sweep import Sweep
from tests.alike import assert_alike


def mapped(folder: Path) -> list[dict[str, object]]:
    return [one for one in json.loads((folder / "findings.json").read_text())["findings"] if one["places"]]


def test_every_count_can_be_counted_again(finished: tuple[Path, Result]) -> None:
    folder, result = finished
    (finding,) = mapped(folder)
    found = finding["places"]
    assert (found["grid"], [one["size"] for one in found["words"]]) == (2, [0.35])
    table = pd.read_parquet(folder / TABLE)
    assert len(table) == RunFolder.open(folder).facts("places")["pastes"] == 2 * 4 * 4 + 5 * 4 + 4 * 4
    assert set(table.candidate) == {finding["candidate"]}
    for place in found["places"]:
        here = table[table.variant == f"0.35 at {place['down']:g} down, {place['across']:g} across"]
        own, covering = here[here.control == ""], here[here.control == found["covering"]]
        assert (own.flip.sum(), covering.flip.sum()) == (place["flips"], place["covering_flips"])
        assert len(own) == len(covering) == place["images"] == 4
        assert list(own.image) == list(covering.image)
    # four places in the corners
    corners = table[table.variant.str.match("[0-9].*down")]
    assert set(corners.centre_x) == {corners.centre_x.min(), corners.centre_x.max()}
    of_size, of_opacity = found["responses"]
    own_size = finding["spot"]["size"]  # the crop at its own place worries most
    assert [one["dose"] for one in of_size["doses"]] == [0.2, own_size]
    assert [one["dose"] for one in of_opacity["doses"]] == [0.5, 1.0]
    for dose in of_size["doses"]:
        here = table[table.variant.str.match(f".*: {dose['dose']:g} of the side, opacity 1$")]
        assert here[here.control == ""].flip.sum() == dose["flips"]
    faded = table[table.variant.str.endswith("opacity 0.5")]
    assert faded.flip.sum() == of_opacity["doses"][0]["flips"]
    on, off = found["on_object"]
    for one, placement in ((on, "on_object"), (off, "off_object")):
        here = table[table.placement == placement]
        own, covering = here[here.control == ""], here[here.control == found["covering"]]
        assert (one["placement"], one["images"]) == (placement, 4)
        assert (own.flip.sum(), covering.flip.sum()) == (one["flips"], one["covering_flips"])
        assert list(own.centre_y) == list(covering.centre_y)
    assert f"places: {finding['candidate']} works" in result.stdout


def test_the_report_draws_them(finished: tuple[Path, Result]) -> None:
    page = (finished[0] / "report.html").read_text()
    assert page.count('<figure class="places">') == 1
    assert page.count('<svg class="places"') == page.count('<svg class="doses"') == 2
    assert "No verdict rests on it." in page


def test_it_does_not_depend_on_batches_and_measures_what_is_missing_alone(own_run: Path) -> None:
    folder = RunFolder.open(own_run)
    before, table = folder.read(MAPS), pd.read_parquet(own_run / TABLE)
    blocks = sorted((own_run / BLOCKS).iterdir())
    config = stored_config(folder)
    other = config.trials.model_copy(update={"batch_size": 3})
    for block in blocks[::2]:
        block.unlink()
    calls = []
    run_sweep = Sweep.run

    def counted(self: Sweep, *args: object, **kwargs: object) -> object:
        calls.append(1)
        return run_sweep(self, *args, **kwargs)

    Sweep.run = counted  # type: ignore[method-assign,assignment]
    try:
        run = Run(folder, config.model_copy(update={"trials": other}), Silence())
        run.make(PLACES)
    finally:
        Sweep.run = run_sweep  # type: ignore[method-assign]
    assert len(calls) == len(blocks[::2])
    # a sweep holds a batch of float32 pictures: those of earlier parts are let go
    assert [part is not None for _, part in run.open(open_table)._sweeps].count(True) == 1
    assert_alike(json.loads(folder.read(MAPS)), json.loads(before))
    again = pd.read_parquet(own_run / TABLE)
    pd.testing.assert_frame_equal(again.drop(columns="target_after"), table.drop(columns="target_after"))
    np.testing.assert_allclose(again.target_after, table.target_after, rtol=1e-5)


def test_none_is_asked_for(own_run: Path) -> None:
    folder = RunFolder.open(own_run)
    config = stored_config(folder)
    none = config.model_copy(update={"places": config.places.model_copy(update={"findings": 0})})
    folder.forget(["places"], list(PLACES.files))
    run = Run(folder, none, Silence())
    assert run.get(PLACES) == ()
    assert folder.facts("places")["pastes"] == 0


def test_a_finished_run_of_an_earlier_version_is_reported_and_gets_them_when_it_goes_on(own_run: Path, invoke) -> None:
    expected = (own_run / "findings.json").read_bytes()
    folder = RunFolder.open(own_run)
    folder.forget(["places"], list(PLACES.files))
    result = json.loads((own_run / "result.json").read_text())
    del result["places"]
    (own_run / "result.json").write_text(json.dumps(result))
    folder.mark_done("report", folder.facts("report"), ("result.json",))
    assert invoke("report", own_run).exit_code == 3
    assert mapped(own_run) == []
    assert '<figure class="places">' not in (own_run / "report.html").read_text()
    assert invoke("run", "--resume", own_run).exit_code == 3
    assert (own_run / "findings.json").read_bytes() == expected
