"""What can be told of an audit before its network is built and its pictures are read: all mistakes at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from auditor.atlas.embedding import check_layout
from auditor.core.config import AuditConfig
from auditor.core.errors import AuditorError, ConfigError
from auditor.core.policy_file import read_policy
from auditor.core.records import ClassGroup, Split
from auditor.inputs.images.allowed import check_allowed
from auditor.inputs.images.annotations import read_annotations
from auditor.inputs.images.mapping import map_labels
from auditor.inputs.images.room import check_room
from auditor.inputs.images.sources import GivenSource, chosen_unlabelled, given_sources, list_images
from auditor.inputs.images.sources.listing import Listing
from auditor.inputs.model.device import choose_device
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.loading import check_model, class_names_of, preprocessing_of
from auditor.inputs.model.quick import check_compiler
from auditor.run.estimate import patches_brought

Part = TypeVar("Part")


@dataclass(slots=True)
class Mistakes:
    """What is wrong with an audit, in the order in which it was found; each sentence once."""

    found: list[AuditorError] = field(default_factory=list)

    @property
    def told(self) -> tuple[str, ...]:
        return tuple(map(str, self.found))

    def of(self, part: Callable[[], Part]) -> Part | None:
        """Open a part, or note what is wrong with it and go on without."""
        try:
            return part()
        except AuditorError as error:
            if str(error) not in self.told:
                self.found.append(error)
            return None


def refuse_mistakes(config: AuditConfig, whole: bool = False) -> None:
    """Look at everything that can be looked at before a network is fetched or built.

    Args:
        whole: as for `mistakes_ahead`.
    Raises:
        AuditorError: the one mistake. ConfigError: all of them in one message, where there are several.
    """
    mistakes = mistakes_ahead(config, whole)
    if len(mistakes.found) == 1:
        raise mistakes.found[0]
    if mistakes.found:
        raise ConfigError(f"{len(mistakes.found)} mistakes: {'; '.join(mistakes.told)}")


def mistakes_ahead(config: AuditConfig, whole: bool = False) -> Mistakes:
    """The mistakes that are told without the network and without reading a picture.

    What stands by itself is opened whatever is wrong elsewhere: the device, what the layout needs, the model's
    settings, the class names with the pair and the annotations, every source of pictures with its labels, the patches.

    Args:
        whole: of a survey, which asks for no pair.
    """
    mistakes = Mistakes()
    device = mistakes.of(lambda: choose_device(config.device))
    mistakes.of(lambda: check_compiler(config.compute, device))
    mistakes.of(lambda: check_layout(config.atlas.layout))
    mistakes.of(lambda: check_model(config))
    names = mistakes.of(lambda: class_names_of(config))
    source = _check_pair(config, names, mistakes, whole) if names is not None else None
    listings = [(given, _listed(given, config, mistakes)) for given in given_sources(config)]
    pictures = [_pictures(given, listing, config, names, source, mistakes) for given, listing in listings]
    preprocessing = mistakes.of(lambda: preprocessing_of(config))
    mistakes.of(lambda: check_allowed(config, None if preprocessing is None else preprocessing.output_size))
    unlabelled = mistakes.of(lambda: chosen_unlabelled(config)[0]) or []
    if preprocessing is not None and source is not None:
        mistakes.of(lambda: check_room(sum(pictures) + len(unlabelled), preprocessing.output_size))
    mistakes.of(lambda: patches_brought(config))
    if config.policy is not None:
        policy = config.path(config.policy)
        mistakes.of(lambda: read_policy(policy))
    return mistakes


def _check_pair(config: AuditConfig, names: ClassNames, mistakes: Mistakes, whole: bool) -> ClassGroup | None:
    """The source; and what else is told by the names: the target, and the annotations."""
    target = mistakes.of(lambda: names.group(config.target))
    others = () if target is None else target.indices
    source = target if whole else mistakes.of(lambda: names.group(config.source, others))
    mistakes.of(lambda: read_annotations(config, names))
    return source


def _listed(given: GivenSource, config: AuditConfig, mistakes: Mistakes) -> Listing | None:
    return mistakes.of(lambda: list_images(given.path, config.classes.ignore))


def _pictures(
    given: GivenSource,
    listing: Listing | None,
    config: AuditConfig,
    names: ClassNames | None,
    source: ClassGroup | None,
    mistakes: Mistakes,
) -> int:
    """How many of a source's pictures will be read; of what is held out those of the source classes are."""
    if listing is None or names is None:
        return 0
    labels = mistakes.of(lambda: map_labels({one.label for one in listing.images}, names, config.classes.folders))
    if labels is None or source is None:
        return 0
    return sum(given.split == Split.DISCOVERY or labels[one.label] in source.indices for one in listing.images)
