"""Every setting, declared once: its type, range and default, and the words and flag by which it is told.

A description is a line of Markdown. docs/your-model.md shows it as it is, with the range and the default; the file that
`auditor init` writes and the flags' help show it without marks (settings_text.py). A section's docstring stands above
its table. What a setting may have beside its description (an example, a flag) is explained in section.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from auditor.core.records import Outputs, Placement
from auditor.core.section import (
    ClassSpec,
    ContradictionError,
    Example,
    FilePath,
    Flag,
    Heading,
    Many,
    ManyOrNone,
    Most,
    Moved,
    Once,
    Pixels,
    Section,
    Share,
    Sides,
)

DEFAULT_PROMPTS = ("a photo of a {}.",)

FINEST_LEVEL = 320
"""Bins along a side of the finest grid: a sheet of more could not be drawn."""


def _with_place(prompt: str) -> str:
    if "{}" not in prompt:
        raise ValueError("expected {} where the class name stands")
    return prompt


class ModelConfig(Section):
    """The classifier under audit."""

    name: Annotated[FilePath, Example("mobilenet_v2", filled=True), Flag("--model", "model")] = Field(
        description="where the network comes from, such as a torchvision name, `timm/NAME`, `hf/FOLDER`, "
        "`clip/ARCHITECTURE`, `package.module:factory`, `file.py:factory`, a TorchScript (`.pt`, `.ts`), torch.export "
        "(`.pt2`) or ONNX (`.onnx`) file, or the address of a service"
    )
    weights: Annotated[
        FilePath | None, Example("model.safetensors", filled=True), Flag("--weights", "file or default")
    ] = Field(
        None,
        description='a `.safetensors` file or a state dict; `"default"`: torchvision\'s own; for CLIP also a tag '
        "of open_clip's, such as `openai`; left out where the factory or the file brings its own",
    )
    layer: Annotated[str | None, Example("features.13"), Flag("--layer", told="{} (`auditor layers` lists them)")] = (
        Field(
            None,
            description="the layer to map; left out: the documented one of the architecture, or one found by trying",
        )
    )
    outputs: Outputs = Field(
        Outputs.LOGITS,
        description="`logits` or `probabilities`: what the network answers with; of probabilities, as behind a "
        "softmax, the logarithm is taken",
    )
    state: Annotated[str | None, Example("state_dict_ema")] = Field(
        None,
        description="the key under which the weights lie in a checkpoint that holds several sets, such as "
        "`state_dict_ema`; left out: `state_dict`, `model_state_dict` or `model`",
    )
    arguments: Annotated[dict[str, bool | int | float | str], Example({"transform_input": True})] = Field(
        default_factory=dict,
        description="further keyword arguments for what builds the network, such as `transform_input = true` for a "
        "GoogLeNet that was fine-tuned from torchvision's weights",
    )
    prompts: Annotated[tuple[Annotated[str, AfterValidator(_with_place)], ...], Once] = Field(
        DEFAULT_PROMPTS,
        min_length=1,
        max_length=1000,
        description="for CLIP: what is said of a picture of a class, `{}` in the place of its name; of several "
        "sentences the features are averaged",
    )
    run_by: Annotated[Literal["torch", "onnxruntime"] | None, Example("onnxruntime")] = Field(
        None,
        description="what runs an ONNX file: `torch`, whose layers can be mapped, or `onnxruntime`, which shows none; "
        "left out: `torch`, where the converted network proves equal",
    )


class PreprocessingConfig(Section):
    """From a photograph to the network's input. Leave the table out for a model of torchvision, timm, transformers or
    open_clip with its library's own preprocessing; anything else needs it."""

    resize: Annotated[Pixels | tuple[Pixels, Pixels], Sides, Example(256, filled=True)] = Field(
        256,
        description="an integer: the shorter side in pixels, and then `crop` is needed; `[height, width]`: exactly "
        "that",
    )
    crop: Annotated[Pixels | tuple[Pixels, Pixels] | None, Sides, Example(224, filled=True)] = Field(
        None,
        validate_default=True,
        description="centre crop after resizing, in pixels, or `[height, width]`; left out: none",
    )
    interpolation: Literal["nearest", "bilinear", "bicubic"] = Field(
        "bilinear", description="`nearest`, `bilinear` or `bicubic`; the last two antialiased"
    )
    mean: tuple[float, float, float] = Field(
        (0.485, 0.456, 0.406),
        description="subtracted from each channel, RGB in [0, 1], each from -1 to 1; applied once, after pasting",
    )
    std: tuple[float, float, float] = Field(
        (0.229, 0.224, 0.225),
        validate_default=True,
        description="what each channel is then divided by, above 0, at most 1",
    )

    @field_validator("std")
    @classmethod
    def _of_pixels_to_1(cls, std: tuple[float, float, float], info: ValidationInfo) -> tuple[float, float, float]:
        mean = info.data.get("mean", (0.0, 0.0, 0.0))
        if min(std) <= 0:
            raise ContradictionError("std must be above 0")
        if not all(abs(each) <= 1 for each in mean) or not all(each <= 1 for each in std):
            raise ContradictionError(
                f"mean and std are for pixels from 0 to 1 and may not be larger than 1, got mean {list(mean)} and "
                f"std {list(std)}; divide numbers for pixels from 0 to 255 by 255"
            )
        return std

    @field_validator("crop")
    @classmethod
    def _one_size(cls, crop: int | tuple[int, int] | None, info: ValidationInfo) -> int | tuple[int, int] | None:
        if crop is None and isinstance(info.data.get("resize"), int):
            raise ContradictionError("resize by the shorter side needs a crop, so that every picture ends at one size")
        return crop


class ClassesConfig(Section):
    """The model's class names in its own order, and how folders map to them."""

    names: Annotated[FilePath | None, Example("classes.csv", filled=True), Flag("--classes", "file")] = Field(
        None,
        description="class names: a CSV with a column `name` (`index` gives the order, more columns are aliases), a "
        "JSON list, or a text file with one name a line; left out: torchvision's own",
    )
    folders: Annotated[dict[str, str], Example({"pans": "frying pan"})] = Field(
        default_factory=dict, description="folder or label → class name, where they differ"
    )
    ignore: Annotated[tuple[str, ...], Once, Example(["rejects"])] = Field(
        (), description="folders or labels to leave out"
    )


class ImagesConfig(Section):
    """Where the pictures and their labels lie: in a source such as a folder of class folders, a CSV of `path,label`,
    parquet or Arrow files with a column of pictures and one of labels, or WebDataset's tar files."""

    all: Annotated[FilePath | None, Example("photos", filled=True), Flag("--images", "file")] = Field(
        None,
        description="one source, such as a folder of class folders or a CSV of `path,label`; split in three by "
        "content hash",
    )
    discovery: Annotated[
        FilePath | None,
        Example("train"),
        Heading("... or your own splits in place of `all`:"),
        Flag("--discovery", "file", told="instead of `--images`: {}"),
    ] = Field(None, description="pictures that the atlas sees, of all classes")
    selection: Annotated[FilePath | None, Example("validation")] = Field(
        None, description="source pictures on which candidates are chosen; left out: taken from discovery"
    )
    confirmation: Annotated[
        FilePath | None, Example("test"), Flag("--confirmation", "file", told="instead of `--images`: {}")
    ] = Field(None, validate_default=True, description="source pictures from which the reported numbers come")
    shares: Annotated[tuple[Share, Share, Share], Heading("In either case:")] = Field(
        (0.3, 0.3, 0.4),
        description="discovery, selection and confirmation when splitting by hash; they add up to 1. Without a "
        "`selection` of its own, the first two share out discovery",
    )
    max_per_class: Annotated[int | None, Example(500)] = Field(
        None, ge=1, description="at most this many pictures a class and split; left out: all"
    )
    pool: Annotated[FilePath | None, Example("more-photos")] = Field(
        None,
        description="pictures without labels, such as any folder of them, from which crops are drawn as well",
    )
    pool_pictures: Most = Field(5000, description="pictures of the pool that are read, at most; their names choose")
    max_pixels: int = Field(50_000_000, ge=1, description="pictures with more pixels are refused unread")
    boxes: Annotated[FilePath | None, Example("boxes.csv")] = Field(
        None,
        description="boxes of things: a CSV of `path,name,left,top,right,bottom` in the picture's pixels, a COCO "
        "`.json`, or a folder of Pascal VOC `.xml`",
    )
    masks: Annotated[FilePath | None, Example("masks")] = Field(
        None, description="folder of PNG masks at the pictures' relative paths; needs `mask_values`"
    )
    mask_values: Annotated[dict[str, int], Example({"wok": 1})] = Field(
        default_factory=dict,
        validate_default=True,
        description="thing (a class name, or any other word) → its value in the masks, 0 to 255",
    )

    @field_validator("confirmation")
    @classmethod
    def _one_way(cls, confirmation: str | None, info: ValidationInfo) -> str | None:
        if not {"all", "discovery", "selection"} <= info.data.keys():
            return confirmation  # one of them is refused already
        whole, discovery, selection = (info.data[name] for name in ("all", "discovery", "selection"))
        if whole is None and (discovery is None or confirmation is None):
            raise ContradictionError(
                "give either 'all', or 'discovery' and 'confirmation' (and 'selection', if it has its own)"
            )
        if whole is not None and any((discovery, selection, confirmation)):
            raise ContradictionError("give either 'all' or separate folders, not both")
        return confirmation

    @field_validator("shares")
    @classmethod
    def _of_all(cls, shares: tuple[float, float, float]) -> tuple[float, float, float]:
        if abs(sum(shares) - 1.0) > 1e-6:
            raise ContradictionError(f"shares must add up to 1, got {sum(shares):g}")
        return shares

    @field_validator("mask_values")
    @classmethod
    def _with_masks(cls, values: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        if "masks" in info.data and (info.data["masks"] is None) != (not values):
            raise ContradictionError("masks and mask_values go together")
        return values


class AtlasConfig(Section):
    """The class-filtered atlas of the pair."""

    positions_per_image: Many = Field(1, description="random positions a picture, away from its border")
    strongest_per_image: ManyOrNone = Field(
        1, description="positions of strongest contrast towards either class kept beside the random ones"
    )
    relaxed_pooling: bool = Field(
        False,
        description="attribution through max pooling by the slope of a smooth average, as in the paper; the model is "
        "unaltered",
    )
    filter: Literal["rank", "magnitude", "both", "either"] = Field(
        "either", description="`rank`, `magnitude`, `both` or `either`: which activations speak of the pair"
    )
    filter_rank: Most = Field(3, description="rank: the class is among an activation's so many largest attributions")
    filter_magnitude: Most = Field(1500, description="magnitude: so many largest positive attributions a class")
    layout: Literal["umap", "tsne"] = Field("umap", description="`umap` or `tsne`")
    neighbours: Annotated[int | None, Example(20)] = Field(
        None, ge=2, le=100_000, description="UMAP's `n_neighbors`; left out: 20, and 50 for the atlas of a class"
    )
    min_dist: Annotated[float | None, Example(0.01)] = Field(
        None, ge=0.0, le=1.0, description="UMAP's `min_dist`; left out: 0.01, and 0.05 for the atlas of a class"
    )
    perplexity: float = Field(50.0, gt=1.0, description="t-SNE's perplexity")
    whiten: bool = Field(False, description="whiten the activations before they are laid out")
    levels: Annotated[tuple[int, ...], Once] = Field(
        (10, 20),
        max_length=20,
        description=f"grid sizes, each from 2 to {FINEST_LEVEL}; the finest gives the candidates",
    )
    min_count: Most = Field(3, description="a cell with fewer activations is empty")
    exemplars: int = Field(12, ge=1, le=1000, description="exemplars kept a cell, at most one a picture")
    repeats: int = Field(
        2,
        ge=0,
        le=100,
        description="further layouts, of other seeds and settings, that say which cells' contrast survives",
    )
    icons: ManyOrNone = Field(150, description="icons rendered at most: of whole levels, coarse ones first; 0 for none")
    icon_px: int = Field(80, ge=16, le=1024, description="side of an icon in pixels")
    icon_steps: int = Field(128, ge=1, le=10_000, description="steps of an icon's optimisation")
    icon_bfloat16: bool = Field(False, description="render icons in bfloat16: faster where the processor has it")
    looks: int = Field(
        1, ge=0, le=1000, description="flipped pictures shown as the network sees them, before and after"
    )

    @field_validator("levels")
    @classmethod
    def _within_bounds(cls, levels: tuple[int, ...]) -> tuple[int, ...]:
        if not levels or min(levels) < 2 or max(levels) > FINEST_LEVEL:
            raise ContradictionError(f"levels needs at least one grid size, each from 2 to {FINEST_LEVEL}")
        return levels


class CandidatesConfig(Section):
    """How many candidates each step of the search sees."""

    sizes: Annotated[tuple[Share, ...], Once] = Field(
        (0.3, 0.5),
        min_length=1,
        max_length=20,
        description="crop widths, as shares of the prepared picture's shorter side",
    )
    screened: Most = Field(
        10_000,
        description="crops screened linearly, at most: the cells' exemplars first, then other positions of discovery "
        "pictures",
    )
    shortlisted: Most = Field(400, description="of these, how many are screened through the network's tail")
    held: ManyOrNone = Field(
        300,
        description="further crops that go through the tail, at most, to tell which cells of the atlas of patches as "
        "pasted hold",
    )
    screening_images: int = Field(32, ge=2, le=10_000_000, description="source pictures that each crop is screened on")
    tried: Many = Field(48, description="suggested crops that begin the trials in pixels")
    icons: ManyOrNone = Field(24, description="icons rendered as patches, of the cells whose predicted push is highest")
    dreams: ManyOrNone = Field(12, description="crops rendered onwards by the network, of those that push most")
    shapes: ManyOrNone = Field(
        24,
        description="crops made wide, tall, soft-edged, and with their background faded out, of those that push most",
    )
    pairs: ManyOrNone = Field(
        60,
        description="pairs of crops of different cells put into one patch, each in three arrangements",
    )
    made: Many = Field(24, description="of all patches made so, as many join the crops in the trials in pixels")
    trained: int = Field(
        200,
        ge=0,
        le=100_000,
        description="steps to train a patch against this network, the ceiling for its size; 0 for none",
    )
    random: ManyOrNone = Field(48, description="random crops tried beside them, for comparison")
    strongest: ManyOrNone = Field(
        10,
        description="crops of strongest contrast, which is how the paper ranks, tried beside them for comparison",
    )
    halving_images: Most = Field(
        16,
        description="selection pictures on which all of these are tried; the better half goes on to twice as many, and "
        "half of that to all",
    )
    confirmed: int = Field(8, ge=1, le=1000, description="candidates confirmed with all their controls")
    per_cell: Most = Field(2, description="at most this many suggestions from one cell")
    per_image: Most = Field(1, description="at most this many suggestions from one picture")
    library: bool = Field(True, description="whether to try the patches that come with auditor")
    drawn: ManyOrNone = Field(
        4,
        description="of the things and textures that auditor draws, how many are tried: those that push most when "
        "screened; 0 for none",
    )
    whole_pictures: int = Field(
        3,
        ge=0,
        le=100,
        description="effects over whole pictures, such as a colour cast or a blur, that are confirmed with their "
        "controls; 0: none is tried",
    )
    patches: Annotated[FilePath | None, Example("my-patches"), Flag("--patches", "file")] = Field(
        None, description="a folder of your own patches (PNG, JPEG, WebP, …) to try as well"
    )


class TrialsConfig(Section):
    """How patches are pasted."""

    placements: Annotated[tuple[Placement, ...], Once] = Field(
        (Placement.FIXED,),
        min_length=1,
        description=f"a list of {', '.join(f'`{one}` ({one.words})' for one in Placement)}; the first is used for "
        "choosing and the survey, all of them for confirming",
    )
    size: Share = Field(0.35, description="patch width for `fixed` and `random`, as a share of the shorter side")
    best_sizes: Annotated[tuple[Share, ...], Once] = Field(
        (0.2, 0.35, 0.5), min_length=1, max_length=20, description="patch widths for `best`, likewise"
    )
    rotation_degrees: float = Field(45.0, ge=0.0, le=180.0, description="`random`: turned up to this much either way")
    scale_jitter: float = Field(0.2, ge=0.0, lt=1.0, description="`random`: `size` times 1 ± this")
    perspective: float = Field(
        0.1,
        ge=0.0,
        lt=0.5,
        description="`random`: tilt up to this; how much the far edge shrinks, as a share of half the patch's side",
    )
    colour_jitter: float = Field(
        0.2, ge=0.0, lt=1.0, description="`random`: contrast times 1 ± this, brightness ± half of this"
    )
    batch_size: Annotated[int, Moved("compute.batch_size")] = Field(
        64,
        ge=1,
        le=65_536,
        exclude=True,
        description="pictures a pass; in an audit always that of `compute.batch_size`",
    )


class NeededConfig(Section):
    """Whether the target needs what was confirmed: each finding's feature is removed from the target's own pictures,
    and as much of the same pictures elsewhere. It decides no verdict."""

    pictures: ManyOrNone = Field(
        100,
        description="pictures of the target, recognised without a patch, that each is removed from, at most; 0: none",
    )
    size: Share = Field(
        0.35,
        description="side of the square within which activations tell what to remove, as a share of the shorter side: "
        "larger ones leave no room for as much beside them; what annotations name is removed whole",
    )


class PlacesConfig(Section):
    """Where and how large a patch has to be, measured for a few confirmed candidates; it decides no verdict."""

    findings: int = Field(
        3,
        ge=0,
        le=1000,
        description="confirmed candidates whose places are measured: those that fail, then the open ones, then the "
        "others, of each those of largest uplift first; 0 for none",
    )
    grid: int = Field(5, ge=2, le=50, description="places along a side of the map, from edge to edge")
    sizes: Annotated[tuple[Share, ...], Once] = Field(
        (0.2, 0.35, 0.5),
        min_length=1,
        max_length=20,
        description="patch widths of the map, as shares of the shorter side",
    )
    pictures: int = Field(
        24,
        ge=2,
        le=10_000_000,
        description="confirmation pictures a place and size, drawn in turn; neighbours are pooled",
    )
    dose_sizes: Annotated[tuple[Share, ...], Once] = Field(
        (0.1, 0.15, 0.2, 0.25, 0.3, 0.42, 0.5),
        max_length=50,
        description="patch widths, beside the confirmed one, at which the flip rate is measured where it was confirmed",
    )
    opacities: Annotated[tuple[Share, ...], Once] = Field(
        (0.25, 0.5, 0.75), max_length=50, description="opacities of the patch, beside its own, likewise"
    )
    dose_pictures: int = Field(64, ge=2, le=10_000_000, description="confirmation pictures of each of these")


class LimitsConfig(Section):
    """What fails a model. Set them before you see numbers."""

    uplift: float = Field(
        0.10,
        gt=0.0,
        lt=1.0,
        description="a finding fails above this much uplift, passes below; a fraction, 0.10 is 10 points",
    )
    fragility: float = Field(
        0.25, gt=0.0, lt=1.0, description="the same for what mere covering flips, over all its draws"
    )
    fragility_best: float = Field(
        0.50,
        gt=0.0,
        lt=1.0,
        description="the same under the `best` placement, where covering too may take the best of twelve places",
    )
    log_odds: Annotated[float | None, Example(2.0)] = Field(
        None,
        gt=0.0,
        description="a finding fails above this much uplift in the target's log-odds as well, in logits; left out: it "
        "is measured and held to no limit",
    )
    search: bool = Field(
        False,
        description="whether a run whose search did no better than chance is kept from passing; the report says so in "
        "either case",
    )
    whole_pictures: bool = Field(
        False,
        description="whether effects over whole pictures are held to the uplift limit as well; the report says in "
        "either case what they move",
    )
    confidence: float = Field(
        0.95, gt=0.5, le=0.999999, description="of the intervals, before they are corrected for everything confirmed"
    )
    interval: Literal["wilson", "clopper-pearson"] = Field(
        "wilson",
        description="of single rates: `wilson` or `clopper-pearson`, which never covers less than it says and is wider",
    )
    unknown_target: bool = Field(
        False,
        description="whether a run may pass though the model hardly knows the target or answers nearly one class for "
        "everything; the report says so in either case",
    )


class ComputeConfig(Section):
    """What the machine does, which decides no verdict."""

    batch_size: int = Field(64, ge=1, le=65_536, description="pictures a pass; lower it where memory runs out")
    workers: Annotated[int, Flag("--workers", "number")] = Field(
        1, ge=1, le=1000, description="processes that share an audit's work on one machine"
    )
    fold_batch_norms: bool = Field(
        True,
        description="trials run the network with its batch norms folded into the convolutions before them, where that "
        "proves equal on the clean pictures",
    )


class AuditConfig(Section):
    """A whole audit. Relative paths are resolved against `base`, the folder of the file it was read from."""

    source: Annotated[
        ClassSpec,
        Example("frying pan", filled=True),
        Flag("--source", "classes", told="{}; a list by commas"),
    ] = Field(
        description='the class the pictures show: a name, an alias, an index, a list of them, or `"*"` for every class '
        "but the target"
    )
    target: Annotated[
        ClassSpec, Example("wok", filled=True), Flag("--target", "classes", told="{}; a list by commas")
    ] = Field(description="the class (or list of classes) a patch may push them to")
    seed: Annotated[int, Flag("--seed", "number")] = Field(
        0, ge=0, description="of every random choice: split, positions, layout, placements, controls, resampling"
    )
    device: Annotated[str, Flag("--device")] = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="`auto`, `cpu`, `cuda` or `cuda:N`; asking for CUDA where there is none is an error",
    )
    model: ModelConfig
    preprocessing: PreprocessingConfig | None = None
    classes: ClassesConfig = ClassesConfig()
    images: ImagesConfig
    atlas: AtlasConfig = AtlasConfig()
    candidates: CandidatesConfig = CandidatesConfig()
    trials: TrialsConfig = TrialsConfig()
    needed: NeededConfig = NeededConfig()
    places: PlacesConfig = PlacesConfig()
    limits: LimitsConfig = LimitsConfig()
    compute: ComputeConfig = ComputeConfig()
    base: Path = Field(default_factory=Path.cwd, exclude=True)

    @model_validator(mode="after")
    def _one_batch_size(self) -> Self:
        """A batch size under [trials], where older files have it, counts unless [compute] gives one."""
        if self.trials.batch_size != self.compute.batch_size:
            given = "batch_size" in self.compute.model_fields_set
            size = {"batch_size": self.compute.batch_size if given else self.trials.batch_size}
            # frozen for everybody else; nobody has seen this configuration yet
            self.__dict__.update(
                trials=self.trials.model_copy(update=size), compute=self.compute.model_copy(update=size)
            )
        return self

    def path(self, relative: str) -> Path:
        """A path of the file, resolved against the folder the file lies in."""
        return Path(os.path.realpath(self.base / Path(relative).expanduser()))  # it raises at no loop of links
