"""A run's candidates on another network: the same one gives the same counts, whatever order its classes have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file, save_file
from typer.testing import Result

from auditor.core.errors import ConfigError, ImageError, StoreError
from auditor.core.progress import Silence
from auditor.run.beside.transfer import transfer_run, transfer_table
from auditor.run.folder import RunFolder
from auditor.run.stages.report import stored_result
from auditor.statistics.intervals import wilson_interval

NAMES = ("red pan", "blue wok", "green kettle", "pink cup", "cyan jug", "white plate")

MODEL = """\
device = "cpu"
[model]
name = "network.py:network"
weights = "{weights}"
[preprocessing]
resize = [{side}, {side}]
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
[classes]
names = "{classes}"
"""

Other = Callable[..., Path]


@pytest.fixture
def other(world, tmp_path: Path) -> Other:
    """Another network beside the world's: its weights changed, its classes in another order or under other names."""

    def build(order: tuple[int, ...] = (0, 1, 2, 3, 4, 5), names: tuple[str, ...] = NAMES, spots: float = 800.0,
              side: int = 32, extra: str = "") -> Path:  # fmt: skip
        weights = load_file(world.folder / "weights.safetensors")
        weights["head.weight"][1, 6] = spots
        weights["head.weight"] = weights["head.weight"][list(order)].contiguous()
        save_file(weights, tmp_path / "other.safetensors")
        (tmp_path / "network.py").write_text((world.folder / "network.py").read_text())
        lines = [f"{place},{names[index]}\n" for place, index in enumerate(order)]
        (tmp_path / "other.csv").write_text("index,name\n" + "".join(lines))
        path = tmp_path / "other.toml"
        path.write_text(extra + MODEL.format(weights="other.safetensors", classes="other.csv", side=side))
        return path

    return build


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0)])
def test_the_same_network_gives_the_runs_own_counts(
    finished: tuple[Path, Result], other: Other, order: tuple[int, ...]
) -> None:
    run = RunFolder.open(finished[0])
    files = sorted(path.relative_to(run.path) for path in run.path.rglob("*"))
    transfer = transfer_run(run, other(order), Silence())
    result = stored_result(run)
    tried = {row.candidate.id: row for row in result.survey if row.candidate.suggested or row.confirmed}
    assert {row.candidate.id for row in transfer.rows} == set(tried)
    for row in transfer.rows:
        measured = tried[row.candidate.id]
        assert (row.own.flips, row.own.eligible) == (measured.flips, measured.eligible)
        assert (row.other.flips, row.other.eligible) == (measured.flips, measured.eligible)
        assert row.other.interval == wilson_interval(measured.flips, measured.eligible, result.limits.confidence)
        assert (row.control_flips is not None) == measured.confirmed == bool(row.control)
    confirmed = {finding.candidate.id: finding for finding in result.findings}
    for row in transfer.rows:
        if row.confirmed:
            made = [one for one in confirmed[row.candidate.id].controls if "crop" not in one.name]
            assert row.control_flips == max(one.flips for one in made)
    assert [row.other.flips for row in transfer.rows] == sorted(
        (row.other.flips for row in transfer.rows), reverse=True
    )
    assert len({row.own.flips for row in transfer.rows}) > 1
    assert transfer.correlation.value == pytest.approx(1.0)
    assert sorted(path.relative_to(run.path) for path in run.path.rglob("*")) == files  # nothing is written


def test_a_network_that_does_not_know_the_spots_does_not_flip(finished: tuple[Path, Result], other: Other) -> None:
    run = RunFolder.open(finished[0])
    transfer = transfer_run(run, other(spots=0.0), Silence())
    assert max(row.own.flips for row in transfer.rows) > 10
    assert max(row.other.flips for row in transfer.rows) < 3
    table = transfer_table(transfer)
    first = transfer.rows[0]
    assert table.num_rows == len(transfer.rows)
    assert table["own_rate"][0].as_py() == first.own.flips / first.own.eligible
    assert table["other_high"][0].as_py() == first.other.interval.high


def test_pictures_are_prepared_as_the_other_network_wants_them(finished: tuple[Path, Result], other: Other) -> None:
    run = RunFolder.open(finished[0])
    transfer = transfer_run(run, other(side=64), Silence())
    assert transfer.correlation.value > 0.7  # the network averages areas, so that size alone changes little
    assert transfer.eligible == transfer.rows[0].own.eligible


def test_networks_that_cannot_serve(finished: tuple[Path, Result], other: Other, tmp_path: Path) -> None:
    run = RunFolder.open(finished[0])
    with pytest.raises(ConfigError, match=r"red pan → blue wok need both classes .*'blue wok' is not in .*blue work"):
        transfer_run(run, other(names=("red pan", "blue work", *NAMES[2:])), Silence())
    with pytest.raises(ConfigError, match="unknown key 'modle'"):
        transfer_run(run, other(extra="modle = 3\n"), Silence())
    (tmp_path / "empty.toml").write_text('source = "red pan"\n')
    with pytest.raises(ConfigError, match=r"empty.toml: 'model' is missing"):
        transfer_run(run, tmp_path / "empty.toml", Silence())
    swapped = ("blue wok", "red pan", *NAMES[2:])  # what it calls by the source's name is never on these pictures
    with pytest.raises(ImageError, match=r"calls none of the .* confirmation pictures 'red pan'"):
        transfer_run(run, other(names=swapped), Silence())
    begun = RunFolder.create(tmp_path / "begun", {})
    with pytest.raises(StoreError, match="holds no result yet"):
        transfer_run(begun, other(), Silence())


def test_the_command_prints_a_table_and_keeps_it(invoke, own_run: Path, other: Other) -> None:
    told = invoke("transfer", own_run, "--model", other())
    assert told.exit_code == 0
    table = pd.read_csv(own_run / "transfer" / "other.csv")
    assert f"table: {own_run / 'transfer' / 'other.csv'}" in told.stdout
    assert "rank correlation of the flips on both networks +1.00" in " ".join(told.stdout.split())
    tried = [row for row in stored_result(RunFolder.open(own_run)).survey if row.candidate.suggested or row.confirmed]
    assert dict(zip(table.candidate, table.other_flips, strict=True)) == {row.candidate.id: row.flips for row in tried}
    refused = invoke("transfer", own_run, "--model", own_run / "none.toml")
    assert refused.exit_code == 2
    assert "there is no file" in refused.stderr
