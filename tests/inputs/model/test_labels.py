"""Class names: every file form, what is refused, and finding the class a person means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.core.errors import ConfigError, UnknownNameError
from auditor.core.records import ClassGroup
from auditor.inputs.model.labels import ClassNames, disambiguated, read_class_names

KITCHEN = ClassNames(("wok", "frying pan", "teapot", "7"), (("n04596742",), ("n03400231",), (), ()))
CRANES = ClassNames(("crane", "wok", "crane"), (("n02012849",), ("n04596742",), ("n03126707",)))


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "index"),
    [("wok", 0), ("Frying-Pan", 1), ("frying_pan", 1), ("FRYINGPAN", 1), ("n03400231", 1), ("N04596742", 0), ("2", 2)],
)
def test_a_class_is_found_by_name_alias_or_number(name: str, index: int) -> None:
    assert KITCHEN.index_of(name) == index


def test_a_name_goes_before_a_number() -> None:
    assert KITCHEN.index_of("7") == 3


@pytest.mark.parametrize("name", ["fryng pan", "4", "-1"])
def test_an_unknown_class_names_the_nearest_and_the_range(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"class '.*' is not in the model's 4 classes.*or 0 to 3") as caught:
        KITCHEN.index_of(name)
    if name == "fryng pan":
        assert caught.value.nearest[0] == "frying pan"


def test_two_classes_of_one_name_are_never_chosen_between() -> None:
    expected = (
        r"class 'Crane' could be any of 2 classes: 'crane' \(index 0, n02012849\), 'crane' \(index 2, n03126707\)"
    )
    with pytest.raises(ConfigError, match=expected):
        CRANES.index_of("Crane")
    assert CRANES.index_of("n03126707") == CRANES.index_of("2") == 2


@pytest.mark.parametrize(
    ("names", "asked", "index"),
    [
        (("1", "-1"), "-1", 1),
        (("1", "-1"), "1", 0),
        (("-1", "1", "0"), "0", 2),
        (("1-2", "12", "2"), "12", 1),
        (("c-1", "c1"), "c1", 1),
        (("c-1", "c1"), "c-1", 0),
        (("Polish", "polish"), "polish", 1),
        (("Polish", "polish"), " Polish ", 0),
    ],
)
def test_names_that_differ_by_signs_or_case_are_told_apart_exactly(
    names: tuple[str, ...], asked: str, index: int
) -> None:
    assert ClassNames(names, ((),) * len(names)).index_of(asked) == index


def test_names_that_still_collide_are_refused() -> None:
    for names, asked in ((("c-1", "c1"), "C_1"), (("Polish", "polish"), "POLISH"), (("a", "b", "a"), "a")):
        with pytest.raises(ConfigError, match="could be any of 2 classes"):
            ClassNames(names, ((),) * len(names)).index_of(asked)


def test_a_sign_is_never_dropped_from_a_number() -> None:
    minus = ClassNames(("-1", "rest"), ((), ()))
    assert minus.index_of("1") == 1  # the index
    with pytest.raises(UnknownNameError, match="class '1' is not in the model's 2 classes"):
        minus.index_of("1", numbers=False)
    with pytest.raises(UnknownNameError):
        ClassNames(("1", "rest"), ((), ())).index_of("-1")
    with pytest.raises(UnknownNameError):
        minus.index_of("1" * 5000)


def test_a_column_of_numbers_shadows_neither_index_nor_name(tmp_path: Path) -> None:
    counted = read_class_names(written(tmp_path, "c.csv", "name,pictures,wnid\nwok,1,n1\npan,0,n2\n2,7,n3\n"))
    assert [counted.index_of(str(index)) for index in (0, 1, 2)] == [0, 1, 2]
    assert (counted.index_of("7"), counted.index_of("n2")) == (2, 1)  # beyond the classes a number is an alias
    assert counted.index_of("1", numbers=False) == 0
    plain = read_class_names(written(tmp_path, "d.csv", "index,name,count\n0,5,1\n1,1,5\n"))
    assert (plain.index_of("5"), plain.index_of("1")) == (0, 1)  # both are names


def test_groups() -> None:
    assert KITCHEN.group("Wok") == ClassGroup("wok", (0,))
    assert KITCHEN.group(("wok", "teapot", "WOK")) == ClassGroup("wok, teapot", (0, 2))
    assert KITCHEN.group("*", (0,)) == ClassGroup("every class but wok", (1, 2, 3))
    assert KITCHEN.group("*").indices == (0, 1, 2, 3)


def test_impossible_groups_are_refused() -> None:
    with pytest.raises(ConfigError, match="wok cannot be in both source and target"):
        KITCHEN.group(("wok", "teapot"), (0,))
    with pytest.raises(ConfigError, match="at least one class"):
        KITCHEN.group(())
    with pytest.raises(ConfigError, match="leave one over"):
        KITCHEN.group("*", (0, 1, 2, 3))
    with pytest.raises(ConfigError, match="must stand alone"):
        KITCHEN.group(("*", "wok"))


def test_csv_in_any_order_with_aliases(tmp_path: Path) -> None:
    path = written(tmp_path, "c.csv", '\ufeffindex,wnid,Name\n1,n2,"frying, pan"\n0,n1,wok\n2,,teapot\n')
    assert read_class_names(path) == ClassNames(("wok", "frying, pan", "teapot"), (("n1",), ("n2",), ()))


def test_json_and_text_forms_agree(tmp_path: Path) -> None:
    names = ("wok", "frying pan", "teapot")
    forms = {
        "list.json": list(names),
        "by_index.json": {"2": "teapot", "0": "wok", "1": "frying pan"},
        "by_name.json": {"teapot": 2, "wok": 0, "frying pan": 1},
    }
    for file, content in forms.items():
        assert read_class_names(written(tmp_path, file, json.dumps(content))).names == names
    assert read_class_names(written(tmp_path, "c.txt", "wok\nfrying pan\nteapot\n\n")).names == names
    pairs = {"0": ["n1", "wok"], "1": ["n2", "frying pan"]}
    assert read_class_names(written(tmp_path, "p.json", json.dumps(pairs))).aliases == (("n1",), ("n2",))


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("c.csv", "index,label\n0,wok\n", "needs a header with a column 'name'; its first line holds: index, label"),
        ("c.csv", "index,name\n1,wok\n2,pan\n", "indices must be 0 to 1: 0 is missing and 2 is there"),
        ("c.csv", "index,name\n0,wok\n0,pan\n", "index 0 stands twice, for 'wok' and 'pan'"),
        ("c.csv", "index,name\nx,wok\n", "line 2: the index must be a whole number from 0, got 'x'"),
        ("c.csv", "index,name\n0,\n", "class 0 has an empty name"),
        ("c.csv", "", "first line holds: nothing"),
        ("c.json", "[1, 2", "is not valid JSON"),
        ("c.json", "3", "must hold a list of names or an object index -> name, got int"),
        ("c.json", '{"0": null}', "class '0' must have a name, got None"),
        ("c.json", "[]", "holds no class names"),
        ("c.txt", "wok\n\npan\n", "class 1 has an empty name"),
    ],
)
def test_malformed_files_are_refused_in_words(tmp_path: Path, file: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_class_names(written(tmp_path, file, text))


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file of class names"):
        read_class_names(tmp_path / "no.csv")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        read_class_names(tmp_path / "b.txt")


def test_shared_names_get_their_index() -> None:
    names = disambiguated(("crane", "wok", "Crane"))
    assert names.names == ("crane (0)", "wok", "Crane (2)")
    assert names.aliases == (("crane", "Crane"), (), ("crane", "Crane"))
    assert names.index_of("crane (2)") == 2
    with pytest.raises(ConfigError, match="any of 2 classes"):
        names.index_of("crane")
