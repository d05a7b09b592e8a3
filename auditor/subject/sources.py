"""Where a network comes from: torchvision, a user's Python, a saved program. timm, weights, checks are elsewhere."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType

import torch
import torchvision
from torch import nn

from auditor.errors import ModelError, UnknownNameError
from auditor.subject.foreign import ForeignCode
from auditor.subject.scripted import observable
from auditor.subject.timm_models import TIMM_PREFIX
from auditor.subject.weights import StateDict


class SourceKind(Enum):
    """What [model] name means."""

    TORCHVISION = "torchvision"
    TIMM = "timm"
    FACTORY = "Python factory"
    TORCHSCRIPT = "TorchScript"
    EXPORTED = "torch.export"


_TORCHSCRIPT_SUFFIXES = (".pt", ".ts", ".torchscript", ".pth")
_NAME_HINT = "a file needs its suffix, a factory a colon, a timm network 'timm/' before its name"
_EXPORTED_SUFFIX = ".pt2"
_OTHER_SUFFIXES = (".onnx", ".h5", ".keras", ".pb", ".tflite", ".mlmodel", ".pkl", ".pickle", ".bin", ".safetensors")
# Heads that train beside the main one; published weights hold them or not, and eval mode never runs them.
_AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}


def source_kind(name: str) -> SourceKind:
    """Tell the kinds of [model] name apart by their looks.

    Raises:
        ModelError: a file of a kind that cannot be read.
    """
    suffix = Path(name).suffix.lower()
    if suffix == _EXPORTED_SUFFIX:
        return SourceKind.EXPORTED
    if suffix in _TORCHSCRIPT_SUFFIXES:
        return SourceKind.TORCHSCRIPT
    if suffix in _OTHER_SUFFIXES:
        raise ModelError(
            f"[model] name {name!r} is a {suffix} file, which is not a network that can be loaded; give a torchvision "
            "name, 'timm/NAME', 'package.module:factory', 'file.py:factory', a TorchScript (.pt) or a torch.export "
            "(.pt2) file"
        )
    if ":" in name:
        return SourceKind.FACTORY
    return SourceKind.TIMM if name.startswith(TIMM_PREFIX) else SourceKind.TORCHVISION


def torchvision_names() -> list[str]:
    """Every classifier of this torchvision."""
    return [str(name) for name in torchvision.models.list_models(module=torchvision.models)]


def check_torchvision_name(name: str) -> None:
    """
    Raises:
        UnknownNameError: torchvision has no such classifier; carries the nearest.
    """
    if name not in torchvision_names():
        where = f"torchvision {torchvision.__version__}"
        raise UnknownNameError("model", name, torchvision_names(), where, _NAME_HINT)


def build_torchvision(name: str, classes: int, state: StateDict | None = None, own_weights: bool = False) -> nn.Module:
    """Build a torchvision classifier without weights.

    Args:
        classes: K.
        state: the weights that will be loaded, which say whether auxiliary heads are there; None: no heads.
        own_weights: they are torchvision's own; two architectures then rescale their input to the scale of the
            original training.
    Raises:
        UnknownNameError: torchvision has no such classifier.
    """
    check_torchvision_name(name)
    network: nn.Module
    if name in _AUXILIARY:
        auxiliary = state is not None and any(key.startswith(_AUXILIARY[name]) for key in state)
        network = torchvision.models.get_model(
            name,
            weights=None,
            num_classes=classes,
            aux_logits=auxiliary,
            transform_input=own_weights,
            init_weights=False,
        )
    else:
        network = torchvision.models.get_model(name, weights=None, num_classes=classes)
    return network


def build_from_factory(name: str, classes: int, base: Path) -> nn.Module:
    """Call 'package.module:factory' or 'file.py:factory' without arguments, or with `num_classes` if it takes it.

    The file's folder (for a module: `base`) can be imported from while the factory runs, as if it were a script.

    Raises:
        ModelError: nothing there, not callable, an exception within, or not a network.
    """
    origin, _, factory_name = name.rpartition(":")
    is_file = origin.endswith(".py")
    path = (base / Path(origin).expanduser()).resolve() if is_file else None
    with _importing_from(path.parent if path is not None else base):
        module = _import_file(path) if path is not None else _import_module(origin)
        factory = getattr(module, factory_name, None)
        if not callable(factory):
            offered = ", ".join(_offered(module)[:8]) or "nothing"
            raise ModelError(f"{origin} has no function {factory_name!r}; it has {offered}")
        with ForeignCode(f"calling {name}", "it must return a torch.nn.Module"):
            network = factory(num_classes=classes) if _takes_classes(factory) else factory()
    if not isinstance(network, nn.Module):
        raise ModelError(f"{name} must return a torch.nn.Module, but returned a {type(network).__name__}")
    return network


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError(f"there is no file {path}")
    unique = f"audited_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(unique, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    # Registered while it runs, because dataclasses and the like look their module up.
    sys.modules[unique] = module
    try:
        with ForeignCode(f"importing {path}"):
            spec.loader.exec_module(module)
    except ModelError:
        del sys.modules[unique]
        raise
    return module


def _import_module(name: str) -> ModuleType:
    with ForeignCode(f"importing {name!r}", "install the package, or give the file: 'path/to/file.py:factory'"):
        return importlib.import_module(name)


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _offered(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]


def _takes_classes(factory: Callable[..., object]) -> bool:
    try:
        return "num_classes" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class SavedProgram:
    """A network that came whole from a file.

    Attributes:
        batch: the only batch size it takes; None: any, as far as the file says.
        size: the only (H, W) it takes; None: any, as far as the file says.
    """

    module: nn.Module
    batch: int | None
    size: tuple[int, int] | None


def load_torchscript(path: Path, size: tuple[int, int]) -> SavedProgram:
    """Load a TorchScript file, rewritten so that its layers can be observed where that is possible.

    Where it is not, the network runs as it is, and `LayerCut` says what to do.

    Args:
        size: (H, W) of prepared pictures.
    Raises:
        ModelError: no such file, or a file saved by torch.save, whose pickle is not run.
    """
    names = _archive_names(path)
    if not any(name.endswith("/constants.pkl") for name in names):
        saved = any(name.endswith("/data.pkl") for name in names)
        raise ModelError(
            f"{path} is "
            + (
                "a file saved by torch.save, not TorchScript; its pickle could run code and was not loaded"
                if saved
                else "not a TorchScript file"
            )
            + "; give a state dict as [model] weights beside a network's name, or save the network with "
            "torch.jit.save or torch.export.save"
        )
    script = _load_script(path)
    try:
        example = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
        return SavedProgram(observable(script, example, path.name), None, None)
    except ModelError:
        # Marked by the attempt, so loaded anew.
        return SavedProgram(_load_script(path), None, None)


def _load_script(path: Path) -> torch.jit.ScriptModule:
    with ForeignCode(f"loading TorchScript from {path}", "save it again with this version of torch"):
        script: torch.jit.ScriptModule = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    return script


def load_exported(path: Path, device: torch.device) -> SavedProgram:
    """Load a program saved by torch.export.save, with its submodules restored so that its layers have names.

    A program is code, and is trusted as such; but pickles inside it are read for tensors alone, and compiled
    libraries are refused.

    Raises:
        ModelError: no such file, damaged, or holding anything but one program and its tensors.
    """
    _archive_names(path)
    content = path.read_bytes()
    # Names in a zip archive are stored plainly, so this holds whatever the archive's directory says.
    if b"opaque_obj_" in content or b"data/aotinductor/" in content:
        raise ModelError(
            f"{path} holds pickled objects or compiled libraries, which could run anything, so it was not loaded; "
            "save the plain program with torch.export.save"
        )
    with ForeignCode(f"loading {path}", "save it again with torch.export.save"), _tensors_only():
        program = torch.export.load(path)
    with ForeignCode(f"restoring the submodules of {path}"):
        from torch.export.passes import move_to_device_pass

        images = next(
            node.meta["val"]
            for node in program.graph.nodes
            if node.op == "placeholder" and node.name in program.graph_signature.user_inputs
        )
        batch, height, width = (
            side if isinstance(side, int) else None for side in (images.shape[axis] for axis in (0, 2, 3))
        )
        module = torch.export.unflatten(move_to_device_pass(program, device))
    size = (height, width) if height is not None and width is not None else None
    return SavedProgram(module, batch, size)


def _archive_names(path: Path) -> list[str]:
    if not path.is_file():
        raise ModelError(f"there is no model file at {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(
            f"{path} is not a file that torch.jit.save or torch.export.save wrote, or is damaged"
        ) from error


@contextmanager
def _tensors_only() -> Iterator[None]:
    """Force weights_only on every torch.load within, by torch's own switch: torch.export.load asks for the contrary."""
    switch = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(switch)
    os.environ[switch] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if before is None:
            del os.environ[switch]
        else:
            os.environ[switch] = before
