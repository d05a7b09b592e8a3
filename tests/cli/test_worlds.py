"""`auditor worlds`: the list, and what is said of a world that is not there or not whole."""

from __future__ import annotations

from pathlib import Path

from auditor.inputs.world.planted import WORLDS


def test_the_list_names_every_world_and_what_is_built(invoke, tmp_path: Path) -> None:
    result = invoke("worlds", "list", "--cache", tmp_path)
    assert result.exit_code == 0
    for name in WORLDS:
        assert name in result.stdout
    assert result.stdout.count("not built") == len(WORLDS)


def test_an_unknown_world_is_a_sentence(invoke, tmp_path: Path) -> None:
    for command in ("list", "build"):
        result = invoke("worlds", command, "nodles", "--cache", tmp_path)
        assert result.exit_code == 2
        assert "world 'nodles' is not in the planted worlds; the nearest is 'noodles'" in " ".join(
            result.stderr.split()
        )


def test_a_half_built_world_is_named_in_the_list(invoke, tmp_path: Path) -> None:
    (tmp_path / "noodles" / "planted").mkdir(parents=True)
    (tmp_path / "noodles" / "planted" / "weights.safetensors").write_bytes(b"")
    result = invoke("worlds", "list", "noodles", "--cache", tmp_path)
    assert result.exit_code == 0
    assert "damaged" in result.stdout
    assert "is half built; build it again with 'auditor worlds build noodles'" in result.stderr


def test_a_cache_that_cannot_be_written_is_a_sentence(invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("worlds", "build", "noodles", "--cache", tmp_path / "file")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
