"""How many networks that torch exports to ONNX become torch again, how equal they are, and which layer is mapped.

    python -m benchmarks.models.onnx_networks [--folder FOLDER] [NAME ...]

torchvision's and timm's networks with random weights, by torch's older exporter (TorchScript) and by the present one,
which needs `pip install onnxscript`. What is exported stays in the folder, and is used again. Told for each are the
largest difference of the outputs from those of onnxruntime, as a share of the largest output, on 4 pictures; the
default layer with its shape; and seconds to open the network.
"""

from __future__ import annotations

import argparse
import io
import logging
import tempfile
import time
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import timm
import torch
import torchvision
from torch import nn

from auditor.core.errors import LayerError, ModelError
from auditor.inputs.model.choosing import default_layer
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.loading import unnamed_classifier
from auditor.inputs.model.probing import unlike_pictures
from auditor.inputs.model.sources.onnx import build_onnx
from auditor.inputs.model.sources.protocol import NetworkRequest

NETWORKS = (
    "resnet18", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "vgg11_bn", "googlenet", "densenet121",
    "convnext_tiny", "swin_t", "vit_b_16", "shufflenet_v2_x0_5", "squeezenet1_1", "regnet_y_400mf", "mnasnet0_5",
    "timm/vit_tiny_patch16_224", "timm/regnetx_002", "timm/test_nfnet", "timm/test_convnext", "timm/mixer_s16_224",
    "timm/test_efficientnet", "timm/mobilevit_xxs", "timm/deit_tiny_distilled_patch16_224",
)  # fmt: skip
SIDE = 224
CLASSES = 5


def built(name: str) -> nn.Module:
    torch.manual_seed(0)
    if name.startswith("timm/"):
        network = timm.create_model(name.removeprefix("timm/"), num_classes=CLASSES)
    else:
        more = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
        network = torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **more)
    for parameter in network.parameters():
        if parameter.ndim > 1 and not bool(parameter.any()):  # a head of zeros would hide every difference
            nn.init.normal_(parameter, std=0.02)
    return network.eval()


def side_of(name: str) -> int:
    return 160 if name.startswith("timm/test_") else SIDE


def export(name: str, older: bool, file: Path) -> None:
    pictures = torch.rand(2, 3, side_of(name), side_of(name))
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        if older:
            axes = {"x": {0: "batch"}, "y": {0: "batch"}}
            torch.onnx.export(
                built(name), (pictures,), file, dynamo=False, dynamic_axes=axes, input_names=["x"], output_names=["y"]
            )
        else:
            shapes = ({0: torch.export.Dim("batch")},)
            torch.onnx.export(built(name), (pictures,), file, dynamo=True, dynamic_shapes=shapes, external_data=False)


def opened(file: Path, side: int) -> str:
    start = time.perf_counter()
    request = NetworkRequest(str(file), CLASSES, (side, side), file.parent, torch.device("cpu"), run_by="torch")
    try:
        module = build_onnx(request).module
    except ModelError as error:
        return f"black box: {error}"
    seconds = time.perf_counter() - start
    pictures = unlike_pictures(side, side) * 2 - 1
    truth = build_onnx(
        NetworkRequest(str(file), CLASSES, (side, side), file.parent, request.device, run_by="onnxruntime")
    )
    with torch.no_grad():
        expected = truth.module(pictures)
        difference = float((module(pictures) - expected).abs().max() / expected.abs().max())
    classifier = unnamed_classifier(str(file), file.parent, request.device)
    try:
        layer, _ = default_layer(str(file), classifier)
        mapped = f"{layer} {'x'.join(map(str, LayerCut(classifier, layer).feature_shape))}"
    except LayerError as error:
        mapped = f"no layer: {error}"
    return f"torch, differs by {difference:.1e}; {mapped}; {seconds:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NETWORKS)
    parser.add_argument("--folder", type=Path, help="where exported networks stay")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name in options.names:
            for exporter in ("older", "present"):
                file = folder / f"{name.replace('/', '-')}.{exporter}.onnx"
                try:
                    if not file.exists():
                        export(name, exporter == "older", file)
                except Exception as error:  # an exporter may fail at anything
                    print(f"{name}, {exporter} exporter: not exported ({type(error).__name__})", flush=True)
                    continue
                print(f"{name}, {exporter} exporter: {opened(file, side_of(name))}", flush=True)


if __name__ == "__main__":
    main()
