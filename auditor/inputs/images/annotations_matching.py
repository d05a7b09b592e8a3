"""Which annotation is which picture's: by path, and by name alone where nothing else can be meant. It reads no file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from auditor.core.config import AuditConfig
from auditor.core.errors import AnnotationError, ImageError
from auditor.inputs.images.annotations_boxes import PictureBoxes, ReadBoxes
from auditor.inputs.images.sources import given_sources, is_there, list_images, source_of

_ADVICE = "give pictures names of their own, or name them there by their path from the configuration's folder"


class Pictures:
    """The pictures that annotations may speak of: every one of an audit's sources, those of ignored classes too.

    Attributes:
        relatives: resolved path -> its paths, `/` between folders, relative to the sources that hold it, from the
            innermost outwards, and last to the configuration's folder.
    """

    def __init__(self, config: AuditConfig) -> None:
        sources = [given.path for given in given_sources(config) if is_there(given.path)]
        inner_first = sorted((source_of(source).root(source) for source in sources), key=lambda root: -len(root.parts))
        self._roots = tuple(dict.fromkeys((*inner_first, config.base.resolve())))
        self._real_folders: dict[str, str] = {}
        self.relatives: dict[str, tuple[str, ...]] = {}
        for source in sources:
            for where in _listed(source, config.classes.ignore):
                real = self.real(where)
                known = self.relatives.get(real, ())  # links give one picture several paths
                self.relatives[real] = tuple(dict.fromkeys((*known, *self.relative_to_roots(where))))

    def real(self, where: str) -> str:
        """`os.path.realpath`, for the many pictures of few folders."""
        folder, name = os.path.split(where)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        path = os.path.join(self._real_folders[folder], name)
        return os.path.realpath(path) if os.path.islink(path) else path

    def relative_to_roots(self, where: str) -> Iterator[str]:
        path = Path(where)
        return (path.relative_to(root).as_posix() for root in self._roots if path.is_relative_to(root))


def _listed(source: Path, ignore: Iterable[str]) -> list[str]:
    # What cannot be listed is told where the pictures themselves are read; an ignored folder may even be empty.
    for left_out in ((), tuple(ignore)):
        try:
            return [image.where for image in list_images(source, left_out).images]
        except ImageError:
            continue
    return []


def matched(read: ReadBoxes, pictures: Pictures) -> dict[str, PictureBoxes]:
    """Give every annotation to one picture at most, and every picture one annotation at most.

    Asked in this order: the file itself; the relative path; the path that is stated in the file, from its last folder
    on; the stated name. A name speaks of a picture that no path claims, and of none where its annotation states a
    folder of the sources: that annotation's own picture is gone from there.

    Returns:
        Resolved path -> what is said of that picture.
    Raises:
        AnnotationError: an annotation that two pictures could claim; both are named.
    """
    found = {real: said for real, said in read.by_file.items() if real in pictures.relatives}
    left = _unique((said.path, said) for said in read.others)
    for keys in (_whole_path, _ends_of_stated_path):
        by_key = _unique((key, said) for said in left.values() for key in keys(said))
        claims = _claims(by_key, pictures, found)
        for said, claimed in claims.values():
            found[_the_one(said, said.path, claimed)] = said
            del left[said.path]
    found.update(_by_name(read, left, pictures, found))
    return found


def _unique(named: Iterable[tuple[str, PictureBoxes]]) -> dict[str, PictureBoxes]:
    """By key, without keys of two annotations: which one speaks of a picture cannot be told from such a key."""
    pairs = list(named)
    counts = Counter(key for key, _ in pairs)
    return {key: said for key, said in pairs if counts[key] == 1}


def _whole_path(said: PictureBoxes) -> tuple[str, ...]:
    return (said.path,)


def _ends_of_stated_path(said: PictureBoxes) -> tuple[str, ...]:
    """`a/wok/1.png`, `wok/1.png`: the path as it is stated, and what remains of it from each of its folders on."""
    parts = PurePosixPath(said.stated).parts
    return tuple("/".join(parts[start:]) for start in range(len(parts) - 1))


def _claims(
    by_key: Mapping[str, PictureBoxes], pictures: Pictures, found: Mapping[str, PictureBoxes]
) -> dict[str, tuple[PictureBoxes, list[str]]]:
    """Annotations by their path, each with the pictures that have one of its keys; a picture claims one of them."""
    claims: dict[str, tuple[PictureBoxes, list[str]]] = {}
    for real, relatives in pictures.relatives.items():
        if real in found:
            continue
        keys = (key for relative in relatives for key in (relative, _without_suffix(relative)))
        key = next((key for key in keys if key in by_key), None)
        if key is not None:
            said = by_key[key]
            claims.setdefault(said.path, (said, []))[1].append(real)
    return claims


def _without_suffix(path: str) -> str:
    return os.path.splitext(path)[0]


def _the_one(said: PictureBoxes, called: str, claimed: Sequence[str]) -> str:
    """The picture that is meant: the only one so called, or the only one of exactly the stated name.

    Raises:
        AnnotationError: it could be several.
    """
    name = PurePosixPath(said.stated).name
    exact = [real for real in claimed if os.path.basename(real) == name] if len(claimed) > 1 else list(claimed)
    if len(exact) == 1:
        return exact[0]
    first, second = sorted(claimed)[:2]
    raise AnnotationError(f"{said.file} annotates {called!r}, but {first} and {second} both have that name; {_ADVICE}")


def _by_name(
    read: ReadBoxes, left: Mapping[str, PictureBoxes], pictures: Pictures, found: Mapping[str, PictureBoxes]
) -> dict[str, PictureBoxes]:
    folders = {str(PurePosixPath(one).parent) for relatives in pictures.relatives.values() for one in relatives} - {"."}
    # a name that another annotation bears too, wherever that one's picture is, tells nothing
    by_stem = _unique((PurePosixPath(said.stated).stem, said) for said in read.others if said.stated)
    wanted = {
        stem: said for stem, said in by_stem.items() if said.path in left and not _states_a_folder(said, stem, folders)
    }
    claims: dict[str, list[str]] = {}
    for real in pictures.relatives:
        stem = _without_suffix(os.path.basename(real))
        if real not in found and stem in wanted:
            claims.setdefault(stem, []).append(real)
    return {_the_one(wanted[stem], stem, claimed): wanted[stem] for stem, claimed in claims.items()}


def _states_a_folder(said: PictureBoxes, stem: str, folders: set[str]) -> bool:
    own = PurePosixPath(said.path)
    ends = [*_ends_of_stated_path(said), *([said.path] if stem in (own.name, own.stem) else [])]
    return any(str(PurePosixPath(end).parent) in folders for end in ends)


def refuse_shared_masks(masks: Path, pictures: Pictures, mask_of: Callable[[Path, str], Path]) -> None:
    """Refuse a mask that is drawn at the relative path of two pictures.

    Args:
        mask_of: from the folder of masks and a picture's relative path to where its mask would lie.
    Raises:
        AnnotationError: there is one; it and both pictures are named.
    """
    claims: dict[Path, list[str]] = {}
    for real, relatives in pictures.relatives.items():
        for relative in relatives:
            claims.setdefault(mask_of(masks, relative), []).append(real)
    for mask, claimed in claims.items():
        if len(claimed) > 1 and os.path.isfile(mask):
            first, second = sorted(claimed)[:2]
            raise AnnotationError(f"the mask {mask} could be of {first} or of {second}; {_ADVICE}")
