"""Whatever bytes a person's files hold: a valid result or an error in words, within a second each.

Files are good ones that were damaged here and there, and ones that are made up. The same ones are tried every time;
`FUZZ_EXAMPLES=10000 pytest tests/core/test_fuzz.py` tries more of them.
"""

from __future__ import annotations

import io
import json
import os
import xml.sax.saxutils
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from auditor.candidates.makers.brought import read_user_patches
from auditor.core.config import AuditConfig, build_config, read_config
from auditor.core.errors import AuditorError, UnreadableImageError
from auditor.core.settings_text import toml_value
from auditor.inputs.images.annotations import read_annotations
from auditor.inputs.images.reading import decode, decode_rgba
from auditor.inputs.images.sources import list_images
from auditor.inputs.model.labels import ClassNames, read_class_names

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "50"))
MOST_PIXELS = 20_000
NAMES = ClassNames(("lemon", "wok"), (("n01",), ("n02", "7")))

fuzzed = settings(
    derandomize=True,
    database=None,
    max_examples=EXAMPLES,
    deadline=1000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Made-up files

TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "wok",
            "lemon",
            "0",
            "-1",
            "1e9",
            "nan",
            "inf",
            "٣",
            "²",
            "\0",
            "../x",
            "a/b",
            "~",
            "~x",
            "\ufeff",
            "\u202e",
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(["x" * 300, "9" * 5000, "/" * 5000]),
)
NUMBERS = st.one_of(
    st.integers(-3, 300), st.integers(), st.floats(), st.sampled_from([2**31, 2**32, 2**63, 10**400, -0.0, 1e308])
)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans())
PLAIN = st.recursive(
    st.one_of(SCALARS, st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def deep(bracket: str, close: str) -> st.SearchStrategy[bytes]:
    return st.integers(100, 20_000).map(lambda depth: (bracket * depth + close * depth).encode())


@st.composite
def damaged(draw: st.DrawFn, wholes: Sequence[bytes]) -> bytes:
    """A good file with a few of its bytes changed, taken out, doubled or cut off."""
    data = bytearray(draw(st.sampled_from(wholes)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["put", "insert", "drop", "double", "cut"])):
            case "put":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "insert":
                data[at:at] = draw(st.sampled_from(TOKENS))
            case "drop":
                del data[at : at + draw(st.integers(1, 40))]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 40))]
            case "cut":
                del data[at:]
    return bytes(data)


TOKENS = [
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b'"', b"'", b"\n", b"\r", b",", b"[", b"]", b"{", b"}", b"<", b">", b"&a;"),
    *(b"-", b"1e999", b"NaN", b"9" * 30, b"9" * 5000, b"null", b"true", b"\\ud800", b"\xed\xa0\x80", b"]]>", b"<!--"),
    *(b'<?xml version="1.0" encoding="utf-7"?>', b"<!DOCTYPE a>", b"x" * 140_000, b"\xe2\x80\xae", b"#", b"=", b"."),
]


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


# What is tried


def valid_or_told(read: Callable[[], object]) -> object:
    """What was read, or None where it was refused in words."""
    try:
        return read()
    except AuditorError as error:
        words = str(error).strip()
    assert words
    return None


AUDIT = b"""source = ["wok", "lid"]
target = 3
seed = 5
[model]
name = "net.py:make"
weights = "w.safetensors"
arguments = { depth = 3, wide = true }
[preprocessing]
resize = [32, 32]
mean = [0.5, 0.5, 0.5]
[classes]
names = "classes.csv"
folders = { pans = "frying pan" }
ignore = ["rejects"]
[images]
all = "photos"
shares = [0.2, 0.2, 0.6]
max_per_class = 9
masks = "masks"
mask_values = { wok = 1 }
[atlas]
levels = [4, 6]
min_dist = 0.1
[candidates]
screened = 24
[trials]
placements = ["fixed", "random"]
[limits]
confidence = 0.8
"""
KEYS = [
    (table, key)
    for table, keys in {
        "": ("source", "target", "seed", "device", "strange"),
        "model": ("name", "weights", "layer", "outputs", "arguments"),
        "preprocessing": ("resize", "crop", "mean", "std", "interpolation"),
        "classes": ("names", "folders", "ignore"),
        "images": ("all", "discovery", "shares", "max_per_class", "max_pixels", "boxes", "masks", "mask_values"),
        "atlas": ("levels", "min_dist", "neighbours", "icons", "icon_px", "perplexity", "filter", "whiten"),
        "candidates": ("sizes", "screened", "tried", "library", "patches"),
        "trials": ("placements", "size", "best_sizes", "batch_size", "scale_jitter"),
        "limits": ("uplift", "confidence", "log_odds", "interval", "search"),
        "compute": ("batch_size", "workers"),
    }.items()
    for key in keys
]


@fuzzed
@given(data=damaged([AUDIT]) | deep("source = [", "]") | st.binary(max_size=60))
def test_damaged_audits(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_bytes(data)
    valid_or_told(lambda: read_config(path))


@fuzzed
@given(changes=st.lists(st.tuples(st.sampled_from(KEYS), PLAIN), min_size=1, max_size=4))
def test_audits_of_odd_values(changes: list[tuple[tuple[str, str], object]], tmp_path: Path) -> None:
    values: dict[str, dict[str, object]] = {"model": {"name": "m"}, "images": {"all": "p"}}
    top: dict[str, object] = {"source": "a", "target": "b"}
    for (table, key), value in changes:
        (values.setdefault(table, {}) if table else top)[key] = value
    config = valid_or_told(lambda: build_config({**top, **values}, tmp_path))
    if isinstance(config, AuditConfig):
        assert build_config(json.loads(json.dumps(config.model_dump(mode="json"), allow_nan=False)), tmp_path) == config


CLASS_FILES = {
    "csv": [b"index,name,wnid\n1,wok,n02\n0,lemon,n01\n", b'name\n"a, b"\nwok\n'],
    "json": [b'["lemon", "wok"]', b'{"0": ["n01", "lemon"], "1": "wok"}', b'{"lemon": 0, "wok": 1}'],
    "txt": [b"lemon\nwok\n"],
}


@pytest.mark.parametrize("suffix", CLASS_FILES)
@fuzzed
@given(st.data())
def test_class_names(suffix: str, tmp_path: Path, given_data: st.DataObject) -> None:
    made_up = {
        "csv": st.lists(st.lists(TEXTS, max_size=3).map(",".join), max_size=4).map(
            lambda rows: "\n".join(["index,name", *rows]).encode("utf-8", "surrogatepass")
        ),
        "json": PLAIN.map(encoded) | deep("[", "]") | deep('{"a":', "}"),
        "txt": st.binary(max_size=60),
    }[suffix]
    path = tmp_path / f"classes.{suffix}"
    path.write_bytes(given_data.draw(damaged(CLASS_FILES[suffix]) | made_up))
    names = valid_or_told(lambda: read_class_names(path))
    if isinstance(names, ClassNames):
        for name in names.names:
            valid_or_told(lambda name=name: names.index_of(name))


VOC = b"""<annotation><folder>wok</folder><filename>0.png</filename>
<size><width>8</width><height>8</height></size>
<object><name>n02</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></object>
</annotation>"""
COCO = encoded(
    {
        "images": [{"id": 1, "file_name": "wok/0.png", "width": 8, "height": 8}, {"id": 2, "file_name": "lemon/0.png"}],
        "annotations": [{"image_id": 1, "category_id": 3, "bbox": [0, 0, 4, 4.5]}],
        "categories": [{"id": 3, "name": "wok"}],
    }
)
BOXES = b"path,name,left,top,right,bottom\nwok/0.png,wok,0,0,4,4\nlemon/0.png,,,,,\n"


@pytest.fixture
def audited(tmp_path: Path) -> Path:
    """A folder with two pictures of two classes."""
    for label in ("lemon", "wok"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "photos" / label / "0.png")
    return tmp_path


def annotations(folder: Path, boxes: str) -> object:
    values: dict[str, object] = {"source": "wok", "target": "lemon", "model": {"name": "m"}}
    config = build_config({**values, "images": {"all": "photos", "boxes": boxes}}, folder)
    return valid_or_told(lambda: read_annotations(config, NAMES))


@st.composite
def coco(draw: st.DrawFn) -> bytes:
    """COCO's JSON in which single values are odd."""
    content = json.loads(COCO)
    for _ in range(draw(st.integers(1, 3))):
        entry = content[draw(st.sampled_from(list(content)))][0]
        entry[draw(st.sampled_from(list(entry)))] = draw(PLAIN)
    return encoded(content)


@fuzzed
@given(data=damaged([COCO]) | coco() | PLAIN.map(encoded) | deep('{"images":[', "]}"))
def test_coco(data: bytes, audited: Path) -> None:
    (audited / "boxes.json").write_bytes(data)
    annotations(audited, "boxes.json")


@st.composite
def voc(draw: st.DrawFn) -> bytes:
    """Pascal VOC's XML in which single values are odd."""
    text = VOC
    for _ in range(draw(st.integers(1, 3))):
        value = draw(st.sampled_from([b"<width>8", b"<xmin>1", b"<ymax>4", b"wok", b"0.png", b"n02"]))
        odd = xml.sax.saxutils.escape(str(draw(SCALARS))).encode("utf-8", "surrogatepass")
        text = text.replace(value, value[: value.find(b">") + 1] + odd)
    return text


@fuzzed
@given(data=damaged([VOC]) | voc() | deep("<a>", "</a>"))
def test_voc(data: bytes, audited: Path) -> None:
    (audited / "voc").mkdir(exist_ok=True)
    (audited / "voc" / "0.xml").write_bytes(data)
    annotations(audited, "voc")


ROWS = st.lists(st.lists(TEXTS | NUMBERS.map(str), max_size=7).map(",".join), max_size=4)


@fuzzed
@given(
    data=damaged([BOXES])
    | ROWS.map(lambda rows: "\n".join(["path,name,left,top,right,bottom", *rows]).encode("utf-8", "surrogatepass"))
)
def test_boxes(data: bytes, audited: Path) -> None:
    (audited / "boxes.csv").write_bytes(data)
    annotations(audited, "boxes.csv")


@fuzzed
@given(
    data=damaged([b"path,label\nphotos/wok/0.png,wok\nphotos/lemon/0.png,lemon\n"])
    | ROWS.map(lambda rows: "\n".join(["path,label", *rows]).encode("utf-8", "surrogatepass"))
)
def test_lists_of_pictures(data: bytes, audited: Path) -> None:
    (audited / "pictures.csv").write_bytes(data)
    valid_or_told(lambda: list_images(audited / "pictures.csv", ("rejects",)))


DESCRIPTION = b'title = "Spots"\norigin = "drawn"\nlicence = "CC0"\nsha256 = "ab"\n'


@fuzzed
@given(
    data=damaged([DESCRIPTION])
    | deep("title = [", "]")
    | st.dictionaries(st.sampled_from(["title", "origin", "licence", "sha256"]), SCALARS).map(
        lambda values: "\n".join(f"{key} = {toml_value(value)}" for key, value in values.items()).encode(
            "utf-8", "surrogatepass"
        )
    )
)
def test_descriptions_of_patches(data: bytes, tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), "red").save(tmp_path / "spots.png")
    (tmp_path / "spots.toml").write_bytes(data)
    valid_or_told(lambda: read_user_patches(tmp_path))


def saved(mode: str, kind: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((20, 12)).convert(mode).save(buffer, kind, **settings)
    return buffer.getvalue()


PICTURES = {
    "PNG": [saved("RGB", "PNG"), saved("P", "PNG", transparency=3), saved("LA", "PNG"), saved("1", "PNG")],
    "JPEG": [saved("RGB", "JPEG"), saved("L", "JPEG", progressive=True, exif=Image.Exif())],
    "GIF": [saved("P", "GIF", transparency=1)],
    "WEBP": [saved("RGBA", "WEBP", lossless=True), saved("RGB", "WEBP")],
    "BMP": [saved("RGB", "BMP"), saved("P", "BMP")],
    "TIFF": [
        saved("RGB", "TIFF"),
        saved("L", "TIFF", compression="tiff_lzw"),
        saved("1", "TIFF", compression="group4"),
    ],
    "PPM": [saved("RGB", "PPM"), b"P3\n2 2\n255\n1 2 3 4 5 6 7 8 9 10 11 12\n", b"P1\n2 2\n1 0 0 1\n"],
}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore:.*:PIL.Image.DecompressionBombWarning")
@fuzzed
@given(st.data())
def test_pictures(kind: str, given_data: st.DataObject) -> None:
    data = given_data.draw(damaged(PICTURES[kind]))
    for read, mode in (
        (lambda: decode(data, MOST_PIXELS).image, "RGB"),
        (lambda: decode_rgba(data, MOST_PIXELS), "RGBA"),
    ):
        picture = valid_or_told(read)
        if isinstance(picture, Image.Image):
            assert picture.mode == mode
            assert 0 < picture.width * picture.height <= MOST_PIXELS


def test_the_good_files_are_read(audited: Path) -> None:
    """Or nothing above would tell anything."""
    for name, data in {"audit.toml": AUDIT, "boxes.json": COCO, "boxes.csv": BOXES}.items():
        (audited / name).write_bytes(data)
    (audited / "voc").mkdir()
    (audited / "voc" / "0.xml").write_bytes(VOC)
    assert isinstance(valid_or_told(lambda: read_config(audited / "audit.toml")), AuditConfig)
    assert annotations(audited, "voc") is not None
    assert annotations(audited, "boxes.csv") is not None
    assert annotations(audited, "boxes.json") is not None
    for suffix, files in CLASS_FILES.items():
        for data in files:
            (audited / f"classes.{suffix}").write_bytes(data)
            assert len(read_class_names(audited / f"classes.{suffix}")) == 2
    for files in PICTURES.values():
        for data in files:
            decode(data, MOST_PIXELS)
    with pytest.raises(UnreadableImageError):
        decode(PICTURES["PNG"][0][:50], MOST_PIXELS)
