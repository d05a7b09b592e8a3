"""Opening an audit: what its parts are told of each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.progress import Silence
from auditor.core.records import ImageRecord, Split
from auditor.inputs.opening import open_inputs
from auditor.inputs.world.bundle import demo_config
from auditor.inputs.world.kitchen import CLASS_NAMES


@pytest.fixture
def config(tmp_path: Path) -> AuditConfig:
    """The demonstration's network, of whose pictures one is there, its classes called by wnids too."""
    demo = demo_config("clean", tmp_path)
    rows = [f"{index},n{index:08d},{name}" for index, name in enumerate(CLASS_NAMES)]
    (tmp_path / "classes.csv").write_text("\n".join(["index,wnid,name", *rows]))
    (tmp_path / "images/wok").mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(tmp_path / "images/wok/a.png")
    number = CLASS_NAMES.index("wok")
    (tmp_path / "boxes.csv").write_text(f"path,name,left,top,right,bottom\nwok/a.png,n{number:08d},0,0,32,64\n")
    images = demo.images.model_copy(update={"masks": None, "mask_values": {}, "boxes": "boxes.csv"})
    return demo.model_copy(update={"images": images})


def test_boxes_named_by_an_alias_are_those_of_the_class(config: AuditConfig) -> None:
    setup = open_inputs(config, Silence())
    picture = ImageRecord("0" * 16, "0" * 64, "images/wok/a.png", 0, Split.DISCOVERY, 64, 64)
    assert setup.annotations.shares(picture, (0, 0, 64, 64)) == (("wok", 0.5),)
    assert setup.annotations.shares(replace(picture, path="images/wok/b.png"), (0, 0, 64, 64)) is None
