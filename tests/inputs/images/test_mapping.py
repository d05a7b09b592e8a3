"""Labels to classes: names, overrides, what is left out, and numbers that are no indices."""

from __future__ import annotations

import pytest

from auditor.core.errors import ImageError
from auditor.inputs.images.mapping import left_out, map_labels, plain_label
from auditor.inputs.images.sources import list_images
from auditor.inputs.model.labels import ClassNames


def test_labels_map_by_name_and_override(names) -> None:
    mapped = map_labels(["Frying_Pan", "kettle"], names, {"Kettle": "teapot"})
    assert mapped == {"Frying_Pan": 1, "kettle": 2}


def test_every_unmapped_label_is_named_with_its_nearest_class_and_the_way_out(names) -> None:
    with pytest.raises(ImageError) as caught:
        map_labels(["wok", "teapots", "xyz"], names, {})
    message = str(caught.value)
    assert "'teapots' (the nearest class is 'teapot')" in message
    assert "'xyz'" in message
    assert "[classes.folders]" in message
    assert "classes.ignore" in message


def test_an_override_to_no_class_is_named(names) -> None:
    with pytest.raises(ImageError, match=r"maps 'pans' to 'fryingpan', which is no class.*'frying pan'"):
        map_labels(["pans"], names, {"pans": "fryingpan"})


@pytest.mark.parametrize(
    ("label", "plain"),
    [("Frying_Pan", "fryingpan"), ("a-1", "a1"), ("-1", "-1"), (" - 1 ", "-1"), ("1", "1"), ("_1", "1"), ("-a", "a")],
)
def test_the_sign_of_a_number_counts(label: str, plain: str) -> None:
    assert plain_label(label) == plain


def test_what_is_a_label_to_the_letter_leaves_out_that_label_alone() -> None:
    assert left_out(["-1", "0", "1"], ["-1"]) == {"-1"}
    assert left_out(["0", "1"], ["-1"]) == set()
    assert left_out(["a_1", "a-1", "A 1"], ["a-1"]) == {"a-1"}
    assert left_out(["a_1", "A 1", "b"], ["a-1"]) == {"a_1", "A 1"}


def test_ignoring_minus_one_keeps_one_in_folders_and_csvs(tmp_path) -> None:
    rows = ["path,label"]
    for label in ("-1", "0", "1"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        (tmp_path / "photos" / label / "a.png").write_bytes(b"x")
        rows.append(f"photos/{label}/a.png,{label}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    for source in ("photos", "list.csv"):
        listing = list_images(tmp_path / source, ("-1",))
        assert [image.label for image in listing.images] == ["0", "1"]


LETTERS = ClassNames(tuple("abcdefghijkl"), ((),) * 12)


def test_folders_of_numbers_are_not_taken_for_indices() -> None:
    labels = [str(number) for number in range(12)]  # sorted as text 10 and 11 come before 2
    with pytest.raises(ImageError) as caught:
        map_labels(labels, LETTERS, {})
    message = str(caught.value)
    assert "12 folders or labels map to no class of the model: '0', '1', '10', '11', '2' and 7 more" in message
    assert "(a number is not taken for the index of a class); map it under [classes.folders]" in message
    assert map_labels(labels, LETTERS, {label: LETTERS.names[int(label)] for label in labels}) == {
        label: int(label) for label in labels
    }
    assert map_labels(["7"], LETTERS, {"7": "3"}) == {"7": 3}  # an index that a person wrote there is one


def test_a_number_that_is_a_name_or_an_alias_is_that_class_whatever_the_indices() -> None:
    digits = ClassNames(("1", "0", "-1"), ((), (), ()))
    assert map_labels(["0", " 1", "-1"], digits, {}) == {"0": 1, " 1": 0, "-1": 2}
    # a CSV of names with a column of numbers, such as another data set's
    numbered = ClassNames(("wok", "pan", "pot"), (("2",), ("7",), ("0",)))
    assert map_labels(["2", "7", "0"], numbered, {}) == {"2": 0, "7": 1, "0": 2}
    with pytest.raises(ImageError, match=r"to no class of the model: '1' \(a number is not taken"):
        map_labels(["0", "1"], numbered, {})
    counted = ClassNames(("wok", "pan", "pot"), (("50",), ("50",), ("49",)))
    with pytest.raises(ImageError, match="'50' could be any of 2 classes: 'wok', 'pan'; map it"):
        map_labels(["50"], counted, {})
    with pytest.raises(ImageError, match="'-1'"):
        map_labels(["-1"], ClassNames(("0", "1"), ((), ())), {})


def test_overrides_are_taken_to_the_letter_first_and_refused_where_they_collide(names) -> None:
    overrides = {"-1": "wok", "1": "teapot", "A_1": "bucket", "a-1": "wok"}
    assert map_labels(["-1", "1", "A_1", "a-1"], names, overrides) == {"-1": 0, "1": 2, "A_1": 3, "a-1": 0}
    with pytest.raises(ImageError, match=r"may map 'a 1' to 'bucket' or 'wok'; write it there to the letter"):
        map_labels(["a 1"], names, overrides)
