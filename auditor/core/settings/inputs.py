"""Settings of what is audited: the model, its preprocessing, the classes, the pictures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from auditor.core.records import Outputs
from auditor.core.section import (
    ContradictionError,
    Example,
    FilePath,
    Flag,
    Heading,
    Most,
    Once,
    Pixels,
    Section,
    Share,
    Sides,
)

DEFAULT_PROMPTS = ("a photo of a {}.",)


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
    layers: Annotated[
        Annotated[tuple[str, ...], Once] | None,
        Example(["features.13", "features.10"]),
        Flag("--layers", "names", told="{}; by commas"),
    ] = Field(
        None,
        min_length=1,
        max_length=8,
        description="in place of `layer`: several layers that are searched together; at the first of them crops are "
        "screened",
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
    added: Annotated[FilePath | None, Example("added.safetensors")] = Field(
        None,
        description="a `.safetensors` file of numbers that are added to the network's parameters of the same names "
        "once it is loaded, as `auditor plant` writes them; left out: none",
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

    @model_validator(mode="before")
    @classmethod
    def _one_is_the_layer(cls, values: object) -> object:
        """A list of one layer is that layer, in the manifest and everywhere behind it."""
        if not isinstance(values, dict) or values.get("layer") is not None:
            return values
        match values.get("layers"):
            case [str(layer)]:
                return {**values, "layer": layer, "layers": None}
        return values

    @field_validator("layers")
    @classmethod
    def _instead_of_layer(cls, layers: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        layer = info.data.get("layer")
        if layers is not None and layer is not None:
            raise ContradictionError(
                f"layer ({layer!r}) and layers ({', '.join(map(repr, layers))}) are both given; give one of them"
            )
        return layers


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
        description="one source, such as a folder of class folders, the address of one (`s3://bucket/photos`) or a CSV "
        "of `path,label`; split in three by content hash",
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
    places: Annotated[FilePath | None, Example("where-stickers-may-go.png")] = Field(
        None,
        description="where a patch may go, for placements that draw or seek a place: a mask, white there, for all "
        "pictures as the network sees them, or a folder of PNG masks at the source pictures' relative paths and sizes",
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
