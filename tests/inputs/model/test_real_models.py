"""The real packs load, recognise photographs they never saw, and can be cut."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from auditor.core.config import build_config
from auditor.inputs.model.choosing import default_layer
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.loading import load_classifier

pytestmark = pytest.mark.real
CPU = torch.device("cpu")


def loaded(pack: Path, name: str, preprocessing: dict[str, object] | None) -> Classifier:
    values: dict[str, object] = {
        "source": "frying pan",
        "target": "wok",
        "model": {"name": name, "weights": f"{name}.safetensors"},
        "classes": {"names": "classes.csv"},
        "images": {"all": "images"},
    }
    values |= {"preprocessing": preprocessing} if preprocessing is not None else {}
    return load_classifier(build_config(values, pack), CPU).classifier


def accuracy(classifier: Classifier, photos: list[tuple[Path, str]]) -> float:
    labels = torch.tensor([classifier.class_names.index_of(name) for _, name in photos])
    prepared = [classifier.preprocessing.prepare(Image.open(path).convert("RGB")) for path, _ in photos]
    pixels = torch.stack([torch.from_numpy(each) for each in prepared])
    with torch.inference_mode():
        logits = torch.cat([classifier.logits(batch.float() / 255) for batch in pixels.split(32)])
    return float((logits.argmax(1) == labels).float().mean())


def test_kitchen32_recognises_unseen_photos_and_can_be_cut(real: Path) -> None:
    pack = real / "kitchen32"
    classifier = loaded(pack, "mobilenet_v2", {"resize": [112, 112], "mean": [0.5] * 3, "std": [0.5] * 3})
    folders = sorted(folder for folder in (pack / "unseen").iterdir() if folder.is_dir())
    photos = [(path, folder.name) for folder in folders for path in sorted(folder.iterdir())[::30]]
    # 77% over all 4800 unseen photos; three standard errors of this subset of 160.
    assert accuracy(classifier, photos) == pytest.approx(0.77, abs=0.10)
    layer, _ = default_layer("mobilenet_v2", classifier)
    assert LayerCut(classifier, layer).feature_shape == (96, 7, 7)


def test_squeezenet_recognises_imagenet_photos(real: Path) -> None:
    pack = real / "imagenet"
    classifier = loaded(pack, "squeezenet1_0", None)
    photos = [(path, path.stem) for path in sorted((pack / "images").glob("*.jpg"))[::20]]
    # 61% top-1 over 502 photos; three standard errors of this subset of 26.
    assert accuracy(classifier, photos) == pytest.approx(0.61, abs=0.29)
    assert LayerCut(classifier, "features.10").feature_shape == (512, 27, 27)
