"""A whole audit of a CLIP model as a zero-shot classifier, trained here on the tiny world in a second or two."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional
from typer.testing import Result

from tests.tiny_world import CLASSES, World

MODEL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 4, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
FED = {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}
FROM_FACTORY = 'name = "network.py:network"\nweights = "weights.safetensors"\nlayer = "features.3"\n'
TABLE = "[preprocessing]\nresize = [32, 32]\nmean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\n"


def train(world: World, folder: Path) -> None:
    """Fit both towers to pictures and names of the world, by one prompt."""
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    texts = open_clip.get_tokenizer(f"local-dir:{folder}")([f"a photo of a {name}." for name in CLASSES])
    files = [(label, file) for label, name in enumerate(CLASSES) for file in (world.folder / "photos" / name).iterdir()]
    pixels = np.stack([np.asarray(Image.open(file)) for _, file in sorted(files)])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1
    labels = torch.tensor([label for label, _ in sorted(files)])
    model.token_embedding.requires_grad_(False)  # large, and of no use here
    optimiser = torch.optim.Adam((each for each in model.parameters() if each.requires_grad), 3e-3)
    for _ in range(30):
        optimiser.zero_grad()
        logits = model.get_logits(images, texts)[0]
        functional.cross_entropy(logits, labels).backward()
        optimiser.step()
    save_file(model.state_dict(), folder / "trained.safetensors")


@pytest.fixture(scope="module")
def audited(world: World, invoke, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = world.folder / "small"
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": MODEL, "preprocess_cfg": FED}))
    train(world, folder)
    fewer = (("icons = 6", "icons = 0"), ("dreams = 1", "dreams = 0"), ("trained = 3", "trained = 0"))
    audit = world.edited(
        "clip.toml", (FROM_FACTORY, 'name = "clip/small"\nweights = "small/trained.safetensors"\n'), (TABLE, ""), *fewer
    )
    out = tmp_path_factory.mktemp("clip") / "run"
    return out, invoke("run", audit, "--out", out)


def test_a_zero_shot_classifier_is_audited_as_any_network(audited: tuple[Path, Result]) -> None:
    folder, result = audited
    assert result.exit_code in (0, 1, 3), result.output
    findings = json.loads((folder / "findings.json").read_text())
    assert findings["subject"]["layer"] == "visual.transformer.resblocks.1"
    assert "the block at three quarters of the depth" in findings["subject"]["layer_rule"]
    assert len(findings["findings"]) == 4  # three at the corner, one at its own place
    assert findings["clean_accuracy"]["source"]["rate"] == 1.0
    told = 'clip/small tells its classes apart by what is said of them: "a photo of a {}."'
    assert told in result.stderr
    assert told in findings["notes"]
    assert json.loads((folder / "manifest.json").read_text())["model_notes"] == [told]
    assert list((folder / "atlas").glob("*.webp"))


def test_a_run_notices_when_the_models_configuration_changed(
    world: World, audited: tuple[Path, Result], invoke
) -> None:
    folder, _ = audited
    changed = world.folder / "small" / "open_clip_config.json"
    before = changed.read_text()
    changed.write_text(before.replace("squash", "shortest"))
    result = invoke("trial", folder)
    changed.write_text(before)
    assert result.exit_code == 2
    assert "the network's code: small/open_clip_config.json changed" in " ".join(result.output.split())


def test_its_layers_are_listed_by_name_alone(world: World, audited: tuple[Path, Result], invoke, monkeypatch) -> None:
    monkeypatch.chdir(world.folder)
    result = invoke("layers", "clip/small", "--mappable")
    assert result.exit_code == 0, result.output
    assert "visual.transformer.resblocks.1" in result.output
    assert "32 × 4 × 4" in result.output
