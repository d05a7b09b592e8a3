"""Settings from flags and files, and the commented file that `auditor init` writes. Prints nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from auditor.core.config import AuditConfig, build_config, read_values
from auditor.core.errors import ConfigError
from auditor.core.records import Placement

Values = Mapping[tuple[str, ...], object]

STARTING_FILE = """\
# What auditor audits. Paths are relative to this file. Check it with: auditor layers audit.toml
# Keys that are commented out show their default.

source = "frying pan"       # the class the pictures show; a list of classes; or "*" for every class but the target
target = "wok"              # the class (or classes) a patch may push them to
# seed = 0                  # of every random choice: same seed and device, same findings
# device = "auto"           # auto, cpu, cuda or cuda:N; what was chosen is printed and recorded

[model]
name = "mobilenet_v2"       # a torchvision name; "package.module:factory" or "file.py:factory";
                            # or a TorchScript (.pt, .ts) or torch.export (.pt2) file
weights = "model.safetensors"   # .safetensors or a state dict; "default": torchvision's own
# layer = "features.13"     # the layer to map; left out: the documented default of the architecture

[preprocessing]             # leave the table out for a torchvision model with torchvision's own preprocessing
resize = 256                # the shorter side in pixels, or [height, width] exactly
crop = 224                  # centre crop; not needed where resize is exact
# interpolation = "bilinear"
# mean = [0.485, 0.456, 0.406]    # applied once, after pasting
# std = [0.229, 0.224, 0.225]

[classes]
names = "classes.csv"       # columns index,name (more columns are aliases); or a JSON list; or one name a line
# folders = { "pans" = "frying pan" }   # folder -> class, where the names differ
# ignore = ["rejects"]      # folders to leave out

[images]
all = "photos"              # one folder a class, or a CSV of path,label; split in three by content hash
# shares = [0.3, 0.3, 0.4]  # discovery, selection, confirmation
# ... or your own splits instead of `all` (selection is cut from discovery where it is left out):
# discovery = "train"
# selection = "validation"
# confirmation = "test"
# max_per_class = 500
# boxes = "boxes.csv"       # path,name,left,top,right,bottom: what is known to show in the pictures
# masks = "masks"           # PNG masks at the same relative paths, with
# mask_values = { "wok" = 1, "noodles" = 2 }

# [atlas]
# levels = [10, 20]         # grid sizes
# filter_rank = 3

# [candidates]
# sizes = [0.3, 0.5]        # crop widths, as shares of the picture's shorter side
# screened = 10000          # crops screened linearly, of which
# shortlisted = 400         # are screened through the network's tail
# tried = 48                # suggested crops tried in pixels, and
# random = 48               # random crops beside them
# made = 24                 # icons, other shapes and pairs of crops tried as well
# trained = 200             # steps to train a patch, the ceiling for its size; 0: none
# confirmed = 8             # candidates confirmed with all controls
# patches = "my-patches"    # a folder of your own PNG patches

# [trials]
# placements = ["fixed"]    # fixed (top left), best (four corners × sizes), random (turned, tilted, relit)
# size = 0.35               # patch width as a share of the shorter side

# [limits]
# uplift = 0.10             # flip rate above the strongest control's
# fragility = 0.25          # the strongest control's own flip rate
# confidence = 0.95
"""


def flag_values(
    *,
    source: str | None,
    target: str | None,
    model: str | None,
    weights: Path | None,
    layer: str | None,
    classes: Path | None,
    images: Path | None,
    discovery: Path | None,
    confirmation: Path | None,
    patches: Path | None,
    device: str | None,
    seed: int | None,
) -> dict[tuple[str, ...], object]:
    """The flags that were given, by their key in the file. Paths are taken from the current folder."""
    given: dict[tuple[str, ...], object] = {
        ("source",): _classes(source),
        ("target",): _classes(target),
        ("model", "name"): _model(model),
        ("model", "weights"): _file(weights) if str(weights) != "default" else "default",
        ("model", "layer"): layer,
        ("classes", "names"): _file(classes),
        ("images", "all"): _file(images),
        ("images", "discovery"): _file(discovery),
        ("images", "confirmation"): _file(confirmation),
        ("candidates", "patches"): _file(patches),
        ("device",): device,
        ("seed",): seed,
    }
    return {key: value for key, value in given.items() if value is not None}


def configured(path: Path | None, flags: Values) -> AuditConfig:
    """The configuration of a file, of flags, or of a file that flags overrule.

    Raises:
        ConfigError: neither is given, or what is given is not valid.
    """
    if path is None and not flags:
        raise ConfigError(
            "nothing to audit: give an audit.toml ('auditor init' writes one), or at least "
            "--model, --images, --source and --target; 'auditor demo' needs nothing"
        )
    values = read_values(path) if path is not None else {}
    for keys, value in flags.items():
        table = values
        for key in keys[:-1]:
            inner = table.setdefault(key, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{path}: {key!r} must be a table")
            table = inner
        table[keys[-1]] = value
    where = str(path) if path is not None else "the flags"
    return build_config(values, path.resolve().parent if path is not None else Path.cwd(), where)


def named_placements(text: str) -> list[Placement]:
    """The placements of a flag's words, separated by commas.

    Raises:
        ConfigError: one of them is none.
    """
    try:
        return [Placement(part.strip()) for part in text.split(",")]
    except ValueError as error:
        *first, last = Placement
        raise ConfigError(f"--placements takes {', '.join(first)} and {last}, by commas, got {text!r}") from error


def atlas_flags(levels: str | None, icons: int | None) -> dict[str, object]:
    """The settings of an atlas that flags overrule, by their key.

    Raises:
        ConfigError: levels that are no whole numbers.
    """
    values: dict[str, object] = {} if icons is None else {"icons": icons}
    if levels is not None:
        values["levels"] = _whole_numbers(levels, "--levels takes grid sizes by commas, such as 10,20,40")
    return values


def named_channels(text: str) -> list[int]:
    """The channels of a flag's words, separated by commas, each once.

    Raises:
        ConfigError: one of them is no whole number.
    """
    return list(dict.fromkeys(_whole_numbers(text, "--channels takes whole numbers by commas, such as 3,17")))


def _whole_numbers(text: str, expected: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"{expected}, got {text!r}") from error


def listed(text: str | None) -> list[str]:
    """The words of a flag, separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()] if text else []


def _classes(text: str | None) -> str | list[str] | None:
    if text is None or "," not in text:
        return text
    return [part.strip() for part in text.split(",")]


def _file(path: Path | None) -> str | None:
    return None if path is None else str(path.expanduser().absolute())


def _model(name: str | None) -> str | None:
    """A model given as a file of the current folder is named by its whole path; every other name stays."""
    if name is None:
        return None
    file, colon, factory = name.rpartition(":") if ".py:" in name else (name, "", "")
    return f"{Path(file).absolute()}{colon}{factory}" if Path(file).is_file() else name
