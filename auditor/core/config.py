"""What a user may set, validated. One TOML file; the same model is built from flags and from Python."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from auditor.core.errors import ConfigError, nearest_names
from auditor.core.records import Placement

Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelConfig(Section):
    """The classifier under audit."""

    name: str = Field(
        description="a torchvision model name; 'package.module:factory' or 'file.py:factory'; or the path of a "
        "TorchScript (.pt, .ts, .torchscript) or torch.export (.pt2) file"
    )
    weights: str | None = Field(
        None,
        description="a .safetensors file or a state dict saved by torch.save; 'default' for torchvision's own; "
        "leave out where the factory or the file brings its own",
    )
    layer: str | None = Field(
        None, description="the module to map; left out: the documented default of the architecture"
    )


class PreprocessingConfig(Section):
    """From a photograph to the network's input. Resizing is done once; normalising after pasting."""

    resize: int | tuple[int, int] = Field(
        256, description="an integer: the shorter side in pixels; [height, width]: exactly that"
    )
    crop: int | tuple[int, int] | None = Field(None, description="centre crop after resizing, in pixels")
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    @model_validator(mode="after")
    def _check(self) -> Self:
        sizes = [self.resize, self.crop if self.crop is not None else 1]
        flat = [side for size in sizes for side in (size if isinstance(size, tuple) else (size,))]
        if min(flat) < 1:
            raise ValueError("resize and crop are pixels and must be at least 1")
        if min(self.std) <= 0:
            raise ValueError("std must be above 0")
        if isinstance(self.resize, int) and self.crop is None:
            raise ValueError("resize by the shorter side needs a crop, so that every picture ends at one size")
        return self


class ClassesConfig(Section):
    """The model's class names in its own order, and how folders map to them."""

    names: str | None = Field(
        None,
        description="a CSV with a 'name' column (an 'index' column and further columns, such as wnid, serve as "
        "aliases), a JSON list, or a text file with one name a line; left out: torchvision's own names",
    )
    folders: dict[str, str] = Field(
        default_factory=dict, description="folder or label -> class name, where they differ"
    )
    ignore: tuple[str, ...] = Field((), description="folders or labels to leave out")


class ImagesConfig(Section):
    """Where the pictures lie. Each entry is a folder with one sub-folder a class, or a CSV with path,label."""

    all: str | None = Field(None, description="one source of pictures, split by content hash")
    discovery: str | None = Field(None, description="pictures the atlas sees")
    selection: str | None = Field(None, description="source pictures on which candidates are chosen")
    confirmation: str | None = Field(None, description="source pictures from which the reported numbers come")
    shares: tuple[Share, Share, Share] = Field(
        (0.3, 0.3, 0.4), description="discovery, selection, confirmation shares when splitting by hash"
    )
    max_per_class: int | None = Field(None, ge=1, description="use at most this many pictures a class and split")
    max_pixels: int = Field(50_000_000, ge=1, description="pictures with more pixels are refused unread")
    boxes: str | None = Field(
        None,
        description="boxes of things: a CSV of path,name,left,top,right,bottom in the picture's pixels, a COCO .json, "
        "or a folder of Pascal VOC .xml",
    )
    masks: str | None = Field(
        None, description="folder of PNG masks, one a picture, at the same relative path; a pixel's value names a thing"
    )
    mask_values: dict[str, int] = Field(
        default_factory=dict, description="thing (a class name, or any other word) -> its value in the masks"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if abs(sum(self.shares) - 1.0) > 1e-6:
            raise ValueError(f"shares must add up to 1, got {sum(self.shares):g}")
        explicit = [self.discovery, self.selection, self.confirmation]
        if self.all is None and (self.discovery is None or self.confirmation is None):
            raise ValueError(
                "give either 'all', or 'discovery' and 'confirmation' (and 'selection', if it has its own)"
            )
        if self.all is not None and any(explicit):
            raise ValueError("give either 'all' or separate folders, not both")
        if (self.masks is None) != (not self.mask_values):
            raise ValueError("masks and mask_values go together")
        return self


FINEST_LEVEL = 320
"""Bins along a side of the finest grid: a sheet of more could not be drawn."""


class AtlasConfig(Section):
    """The class-filtered atlas of the pair."""

    positions_per_image: int = Field(1, ge=1, description="random positions a picture, away from its border")
    strongest_per_image: int = Field(
        1, ge=0, description="positions of strongest contrast towards either class kept beside the random ones"
    )
    relaxed_pooling: bool = Field(
        False, description="attribution through max pooling by the slope of a smooth average; the model is unaltered"
    )
    filter: Literal["rank", "magnitude", "both", "either"] = "either"
    filter_rank: int = Field(3, ge=1, description="rank filter: the class is among an activation's top attributions")
    filter_magnitude: int = Field(1500, ge=1, description="magnitude filter: this many largest attributions a class")
    layout: Literal["umap", "tsne"] = "umap"
    neighbours: int | None = Field(None, ge=2, description="UMAP n_neighbors; left out: 20, of a class's atlas 50")
    min_dist: float | None = Field(None, ge=0.0, description="UMAP min_dist; left out: 0.01, of a class's atlas 0.05")
    perplexity: float = Field(50.0, gt=1.0, description="t-SNE perplexity")
    whiten: bool = Field(False, description="whiten the activations before they are laid out")
    levels: tuple[int, ...] = Field((10, 20), description="grid sizes")
    min_count: int = Field(3, ge=1, description="a cell with fewer activations is empty")
    exemplars: int = Field(12, ge=1, description="exemplars kept a cell")
    repeats: int = Field(2, ge=0, description="further layouts that say which cells' contrast survives")
    icons: int = Field(150, ge=0, description="icons rendered at most, of whole levels, coarse ones first")
    icon_px: int = Field(80, ge=16, description="side of an icon")
    icon_steps: int = Field(128, ge=1, description="steps of an icon's optimisation")
    icon_bfloat16: bool = Field(False, description="render icons in bfloat16: faster where the processor has it")
    looks: int = Field(1, ge=0, description="flipped pictures shown as the network sees them, before and after")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.levels or min(self.levels) < 2 or max(self.levels) > FINEST_LEVEL:
            raise ValueError(f"levels needs at least one grid size, each from 2 to {FINEST_LEVEL}")
        return self


class CandidatesConfig(Section):
    """How many candidates each step of the search sees."""

    sizes: tuple[Share, ...] = Field((0.3, 0.5), min_length=1, description="crop widths, as shares of the shorter side")
    screened: int = Field(
        10_000, ge=1, description="crops screened linearly: exemplars first, then other positions of discovery pictures"
    )
    shortlisted: int = Field(400, ge=1, description="crops screened through the network's tail after that")
    screening_images: int = Field(32, ge=2, description="source pictures each crop is screened on")
    tried: int = Field(
        48, ge=1, description="suggested crops that begin the trials in pixels on the selection pictures"
    )
    icons: int = Field(24, ge=0, description="icons made as patches, of the cells that push most")
    dreams: int = Field(12, ge=0, description="crops rendered onwards, of those that push most")
    shapes: int = Field(24, ge=0, description="crops made wide, tall, soft-edged and faded, of those that push most")
    pairs: int = Field(60, ge=0, description="pairs of crops put into one patch, in three arrangements")
    made: int = Field(24, ge=1, description="of all patches made so, as many join the trials in pixels")
    trained: int = Field(200, ge=0, description="steps to train a patch: the ceiling for its size; 0: none")
    random: int = Field(48, ge=0, description="random crops tried beside them, for comparison")
    strongest: int = Field(10, ge=0, description="crops of strongest contrast tried beside them, for comparison")
    halving_images: int = Field(
        16, ge=1, description="selection pictures for all that is tried; the better half goes on to twice as many"
    )
    confirmed: int = Field(8, ge=1, description="findings confirmed with controls")
    per_cell: int = Field(2, ge=1, description="at most this many suggestions from one cell")
    per_image: int = Field(1, ge=1, description="at most this many suggestions from one picture")
    library: bool = Field(True, description="try the patches that come with auditor")
    patches: str | None = Field(None, description="a folder of your own patches (PNG, alpha respected) to try as well")


class TrialsConfig(Section):
    """How patches are pasted."""

    placements: tuple[Placement, ...] = Field((Placement.FIXED,), min_length=1)
    size: Share = Field(0.35, description="patch width for fixed and random placement, as a share of the shorter side")
    best_sizes: tuple[Share, ...] = Field((0.2, 0.35, 0.5), min_length=1)
    rotation_degrees: float = Field(45.0, ge=0.0, le=180.0, description="random placement: up to this much either way")
    scale_jitter: float = Field(0.2, ge=0.0, lt=1.0)
    perspective: float = Field(
        0.1, ge=0.0, lt=0.5, description="random placement: tilt, as a share of the patch's side"
    )
    colour_jitter: float = Field(0.2, ge=0.0, lt=1.0, description="random placement: brightness and contrast")
    batch_size: int = Field(64, ge=1)


class LimitsConfig(Section):
    """What fails a model."""

    uplift: float = Field(0.10, gt=0.0, lt=1.0, description="flip rate above the strongest control's")
    fragility: float = Field(0.25, gt=0.0, lt=1.0, description="the strongest control's own flip rate")
    confidence: float = Field(0.95, gt=0.5, lt=1.0)
    interval: Literal["wilson", "clopper-pearson"] = Field(
        "wilson", description="of single rates; clopper-pearson never covers less than it says, and is wider"
    )


class AuditConfig(Section):
    """A whole audit. Relative paths are resolved against `base`, the folder of the file it was read from."""

    source: str | tuple[str, ...] = Field(description="the class an image shows, a list of classes, or '*'")
    target: str | tuple[str, ...] = Field(description="the class (or classes) a patch may push it to")
    seed: int = Field(0, ge=0)
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N")
    model: ModelConfig
    preprocessing: PreprocessingConfig | None = Field(None, description="left out: torchvision's for the model")
    classes: ClassesConfig = ClassesConfig()
    images: ImagesConfig
    atlas: AtlasConfig = AtlasConfig()
    candidates: CandidatesConfig = CandidatesConfig()
    trials: TrialsConfig = TrialsConfig()
    limits: LimitsConfig = LimitsConfig()
    base: Path = Field(default_factory=Path.cwd, exclude=True)

    def path(self, relative: str) -> Path:
        """A path of the file, resolved against the folder the file lies in."""
        return (self.base / Path(relative).expanduser()).resolve()


def read_config(path: Path) -> AuditConfig:
    """Read and validate an audit's TOML file.

    Raises:
        ConfigError: no file, not TOML, an unknown key (the nearest known one is named) or a bad value.
    """
    return build_config(read_values(path), path.resolve().parent, str(path))


def read_values(path: Path) -> dict[str, object]:
    """The keys and values of a TOML file, not validated yet.

    Raises:
        ConfigError: no file, or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file {path}; 'auditor init {path}' writes a commented one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def build_config(values: dict[str, object], base: Path, where: str = "the configuration") -> AuditConfig:
    """Validate a nested mapping of settings.

    Raises:
        ConfigError: as `read_config`.
    """
    try:
        return AuditConfig.model_validate({**values, "base": base})
    except ValidationError as error:
        lines = [_explain(dict(problem)) for problem in error.errors()]
        raise ConfigError(f"{where}: " + "; ".join(lines)) from error


def with_atlas(config: AuditConfig, values: Mapping[str, object]) -> AuditConfig:
    """The same configuration with some settings of the atlas overruled.

    Args:
        values: key of `AtlasConfig` to value.
    Raises:
        ConfigError: as `read_config`.
    """
    if not values:
        return config
    whole = config.model_dump(exclude={"base"})
    return build_config({**whole, "atlas": {**whole["atlas"], **values}}, config.base, "the command line")


def _explain(problem: dict[str, object]) -> str:
    location = tuple(str(part) for part in problem["loc"]) if isinstance(problem["loc"], tuple) else ()
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = nearest_names(location[-1], known, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}"
        return f"unknown key {key!r}{hint}"
    if problem["type"] == "missing":
        return f"{key!r} is missing"
    message = str(problem["msg"]).removeprefix("Value error, ")
    given = problem.get("input")
    shown = "" if isinstance(given, dict) else f", got {given!r}"
    return f"{key}: {message}{shown}" if key else message


def _known_keys(location: tuple[str, ...]) -> list[str]:
    section: type[BaseModel] = AuditConfig
    for part in location:
        annotation = section.model_fields[part].annotation
        for inner in (annotation, *get_args(annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                section = inner
                break
    return [name for name in section.model_fields if name != "base"]
