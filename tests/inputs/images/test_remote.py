"""Pictures at addresses: a store in memory for what is listed, and a local S3 server for whole runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from PIL import Image

from auditor.cli.flags import flag_values
from auditor.core.addresses import address_of, holds_a_secret, is_address, without_file
from auditor.core.config import build_config
from auditor.core.errors import ConfigError, ImageError, UnreadableImageError
from auditor.inputs.images.annotations_matching import Pictures
from auditor.inputs.images.sources import chosen_unlabelled, find_image, given_sources, list_images, shown, whereabouts
from auditor.inputs.images.sources.remote import RemotePicture, state_of
from tests.tiny_world import World

LEAST = {"source": "a", "target": "b", "model": {"name": "m"}}
SECRET = "geheim-1234"


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    store = fsspec.filesystem("memory")
    yield store
    store.store.clear()
    store.pseudo_dirs[:] = [""]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[fsspec.AbstractFileSystem]:
    """A server of this machine, whose credentials stand in the environment."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        store = fsspec.filesystem("s3")
        store.mkdir("pictures")
        yield store
        store.clear_instance_cache()
    server.stop()


def test_an_address_is_told_from_a_path() -> None:
    for text in ("s3://bucket/photos", "gs://b", "memory://x/y"):
        assert is_address(text)
        assert address_of(Path(text)) == text
    for text in ("photos", "/s3:/x", "C:/x", "s3:/x", "a b://c", "//server/x", "", "file:///x"):
        assert not is_address(text)
        assert text == "s3:/x" or address_of(Path(text)) is None
    assert [holds_a_secret(f"s3://{rest}") for rest in ("key:word@b/x", "b/x?sig=1", "b/x@2/y", "b/what?")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_file_address_is_its_path(tmp_path: Path) -> None:
    assert without_file(str(Path("file:///a/b"))) == without_file("file:///a/b") == "/a/b"
    assert without_file("a/file:/b") == "a/file:/b"
    config = build_config({**LEAST, "images": {"all": f"file://{tmp_path}/photos"}}, tmp_path)
    assert given_sources(config)[0].path == tmp_path / "photos"
    assert flag_values({"images": Path(f"file://{tmp_path}/photos")}) == {("images", "all"): f"{tmp_path}/photos"}


def test_a_listing_says_what_a_folder_would(memory, tmp_path: Path) -> None:
    names = ("b/2.png", "b/deep/1.JPG", "a/1.png", "a/.thumbs/1.png", "a/notes.txt", "a/x.psd", "loose.png", "c/1.png")
    for name in names:
        memory.pipe(f"/photos/{name}", name.encode())
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    there, here = list_images(Path("memory://photos"), ["c"]), list_images(tmp_path, ["c"])
    assert [(one.where, one.label) for one in there.images] == [
        (f"memory://photos/{Path(one.where).relative_to(tmp_path).as_posix()}", one.label) for one in here.images
    ]
    assert there.left_out == here.left_out
    assert [one.open(10**6) for one in there.images] == [one.open(10**6) for one in here.images]
    assert there.class_folders == {"a": "memory://photos/a", "b": "memory://photos/b"}


def test_what_a_run_remembers_is_found_again(memory, tmp_path: Path) -> None:
    memory.pipe("/photos/a/1.png", b"one")
    config = build_config({**LEAST, "images": {"all": "memory://photos", "pool": "memory://photos"}}, tmp_path)
    where = list_images(given_sources(config)[0].path).images[0].where
    assert shown(where, config) == shown(str(Path(where)), config) == "memory://photos/a/1.png"
    assert whereabouts(shown(where, config), config) == where
    sources = [given_sources(config)[0].path, tmp_path]
    assert find_image(where, sources).open(10**6) == b"one"
    assert [one.where for one in chosen_unlabelled(config)[0]] == [where]
    assert list(Pictures(config).relatives.values()) == [("a/1.png",)]
    memory.rm("/photos/a/1.png")
    with pytest.raises(UnreadableImageError, match="missing file"):
        find_image(where, sources).open(10**6)


def test_a_state_is_that_of_the_last_listing(memory) -> None:
    memory.pipe("/photos/a/1.png", b"one")
    list_images(Path("memory://photos"))
    before = state_of("memory://photos/a/1.png")
    memory.pipe("/photos/a/1.png", b"other")
    list_images(Path("memory://photos"))
    now = state_of("memory://photos/a/1.png")
    assert (before.size, now.size) == (3, 5)
    assert 0 != before.modified != now.modified
    memory.pipe("/photos/a/large.png", bytes(2**26 + 17))
    with pytest.raises(UnreadableImageError, match="too many pixels"):
        RemotePicture("memory://photos/a/large.png").open(1)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://nothing", "there is no picture at memory://nothing"),
        ("memory://flat", "memory://flat has no folder with a picture in it"),
        ("strange://bucket/x", "strange://bucket/x is no address that fsspec opens"),
        ("gs://bucket/x", r'gs:// is not installed; pip install "auditor\[gs\]"'),
    ],
)
def test_what_is_wrong_is_one_sentence(address: str, said: str, memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    memory.pipe("/flat/1.png", b"one")
    with pytest.raises((ImageError, ConfigError), match=said):
        list_images(Path(address))


def test_a_store_that_refuses_is_one_sentence(s3, world, invoke, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(
        ImageError, match=r"s3://no-such-bucket/x cannot be listed \(The specified bucket does not exist"
    ):
        list_images(Path("s3://no-such-bucket/x"))
    refused = invoke("run", world.config, "--out", "s3://no-such-bucket/x")
    assert refused.exit_code == 2
    assert "s3://no-such-bucket/x cannot be " in " ".join(refused.stderr.split())


def test_an_address_with_a_password_is_refused_and_not_shown(world, invoke, tmp_path: Path) -> None:
    for address in (f"s3://key:{SECRET}@bucket/x", f"https://host/x?token={SECRET}"):
        refused = invoke("run", world.config, "--images", address, "--out", tmp_path / "run")
        assert refused.exit_code == 2
        assert "an address must hold no password or token" in refused.output
        assert SECRET not in refused.output
        assert not (tmp_path / "run").exists()


def test_a_run_of_pictures_in_s3_ends_in_the_same_numbers(
    own_world: World, invoke, finished, s3, tmp_path, monkeypatch
) -> None:
    """Its folder lies there as well, holds no credentials, is continued from there, and says what changed there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    s3.put(str(own_world.folder / "photos"), "pictures/photos", recursive=True)
    shutil.rmtree(own_world.folder / "photos")
    ended = invoke("run", own_world.config, "--images", "s3://pictures/photos", "--out", "s3://pictures/runs/7")
    assert ended.exit_code == finished[1].exit_code, ended.output
    assert "s3://pictures/runs/7 is kept in step with its copy" in " ".join(ended.stderr.split())
    s3.invalidate_cache()
    written = {name.removeprefix("pictures/runs/7/"): s3.cat_file(name) for name in s3.find("pictures/runs/7")}
    (folder,) = (tmp_path / "cache").glob("auditor/runs/*/7")
    assert written == {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for file in ("trials.parquet", "cells.parquet"):
        assert written[file] == (finished[0] / file).read_bytes()
    assert not any(SECRET.encode() in data for data in written.values())
    assert not any(SECRET in path.read_text("latin-1") for path in (tmp_path / "cache").rglob("*") if path.is_file())
    shutil.rmtree(tmp_path / "cache")
    assert invoke("run", "--resume", "s3://pictures/runs/7").exit_code == ended.exit_code
    assert pd.read_parquet(folder / "images.parquet")["path"].str.startswith("s3://pictures/photos/").all()
    name = s3.ls("pictures/photos/red pan")[0]
    with s3.open(name, "wb") as opened:
        Image.new("RGB", (32, 32)).save(opened, "PNG")
    refused = invoke("run", "--resume", "s3://pictures/runs/7")
    assert (refused.exit_code, f"pictures: s3://{name} changed" in " ".join(refused.stderr.split())) == (2, True)
