"""How much an audit has to do, counted before any of it is done: pictures through the network, by piece of work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from auditor.candidates.controls import CONTROLS
from auditor.candidates.drawings import SHORTLISTED
from auditor.candidates.further_layers import share_of
from auditor.candidates.makers.cell_icons import LEAST_SIDE_PX
from auditor.candidates.makers.pairs import ARRANGEMENTS
from auditor.candidates.makers.trained import TrainingBudget
from auditor.candidates.on_object import on_object_pastes
from auditor.candidates.own_places import ASKED, screened_of
from auditor.candidates.own_places import SHORTLISTED as SHORTLISTED_AT_OWN
from auditor.candidates.own_places import TRIED as TRIED_AT_OWN
from auditor.candidates.pasted import COVERING_PATCHES
from auditor.candidates.places import dose_pastes, grid_pastes
from auditor.candidates.selection import halving_steps
from auditor.candidates.survival import survival_pastes
from auditor.candidates.whole_pictures import SELECTION_PICTURES, count_of_effects, count_of_kinds
from auditor.core.config import AtlasConfig, AuditConfig
from auditor.core.records import Placement
from auditor.trials.fills import FILLS
from auditor.trials.placements import variants_of
from auditor.trials.whole_pictures import OF_ANY_CHANGE, OF_FINE_DETAIL

SHAPES_A_CROP = 4
"""Wide, tall, soft-edged and faded."""

_SHARED_CONTROLS = 2


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an audit's pictures once the clean model has seen them.

    Attributes:
        pictures: all that are used; discovery: of them in discovery, of any class.
        selection, confirmation: eligible source pictures there; screening: those that crops are screened on.
        patches: brought along, by the user and in the library; positions: shown of a picture that is looked at.
        drawings: of the library, that are screened; 0 where none are wanted.
        side_px: the shorter side of a prepared picture.
        target: pictures of the target, of which features are removed.
        boxes: that a crop of a picture can have.
        layers: that are searched together.
        lenders: pictures that lend their background, where annotations tell it from their object.
        mapped: whether a layer is mapped; without one crops are screened in pixels, and there is nothing to render.
    """

    pictures: int
    discovery: int
    selection: int
    confirmation: int
    screening: int
    patches: int
    positions: int
    side_px: int
    mapped: bool = True
    drawings: int = 0
    target: int = 0
    boxes: int = 0
    layers: int = 1
    lenders: int = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """Pictures through the network, or through a part of it. At most, but for icons: pairs may turn out to be fewer.

    Attributes:
        mapped: discovery pictures, forwards, and backwards from each layer; icons: on the sheets, as many as are
            expected.
        icon_steps: of icons on the sheets and in looks, through the layers up to the mapped one and back.
        pasted_icon_steps: of icons of the atlas of patches as pasted, at the network's own size.
        patch_icon_steps: the same of icons and dreamed crops at patch size; patch_px: the side of those.
        linear: crops through the layers up to the mapped one; tail: source pictures through the layers behind it.
        trained: pictures of the trained patch's steps, forwards and backwards.
        removed: pictures of the target, without any patch, and with a feature removed or as much elsewhere.
        screened: pastes of crops that are screened in pixels, where no layer is mapped.
        tried: patches that are tried in pixels; selection, confirmation: their pastes.
        whole: pictures under effects over all of them, and under those effects' controls.
        confirmed: of confirmation, by placement: pastes of the confirmed patches beyond the survey's, and of their
            controls.
        places: pastes that tell where and how large a few confirmed patches have to be; doses: of them, at several
            sizes and opacities under the first placement; survival: of flips that are looked at again, if all flip.
        lenders: pictures whose object is removed and filled in, so that others stand before their background.
    """

    mapped: int
    icons: int
    icon_steps: int
    patch_icon_steps: int
    patch_px: int
    linear: int
    tail: int
    trained: int
    tried: int
    selection: int
    confirmation: int
    screened: int = 0
    whole: int = 0
    removed: int = 0
    places: int = 0
    doses: int = 0
    survival: int = 0
    lenders: int = 0
    confirmed: tuple[tuple[Placement, int, int], ...] = ()
    pasted_icon_steps: int = 0

    @property
    def pastes(self) -> int:
        """Patches pasted on pictures, which the whole network sees."""
        return self.screened + self.selection + self.confirmation + self.places + self.survival

    @property
    def passes(self) -> int:
        """All pictures that pass through the network, or a part of it."""
        icons = self.icon_steps + self.pasted_icon_steps + self.patch_icon_steps
        return self.mapped + icons + self.linear + self.tail + self.trained + self.pastes + self.whole + self.removed


def workload_of(config: AuditConfig, known: Known) -> Workload:
    """Count what an audit has to do, as its stages will do it."""
    if not known.mapped:
        config = _without_atlas(config)
    wanted, atlas, trials = config.candidates, config.atlas, config.trials
    looks, on_sheets = 2 * known.positions * atlas.looks, known.layers * expected_icons(atlas, known)
    compared = wanted.random + wanted.strongest
    pasted_icons = known.layers * _expected_of_pasted(atlas, (wanted.screened + compared) // known.layers)
    shapes = SHAPES_A_CROP if known.mapped else SHAPES_A_CROP - 1
    made = wanted.icons + wanted.dreams + shapes * wanted.shapes + len(ARRANGEMENTS) * wanted.pairs
    held, covering = (wanted.held, COVERING_PATCHES) if known.mapped else (0, 0)
    of_further = sum(share_of(wanted.screened, known.layers)[1:])  # seen by their own layer as well
    drawn = min(SHORTLISTED * wanted.drawn, known.drawings)
    through = min(wanted.shortlisted + held, wanted.screened) + compared + covering + made + drawn
    screened = through * known.screening
    own = wanted.own_places if known.mapped else 0
    found = wanted.tried + min(wanted.made, made) + min(wanted.drawn, known.drawings)
    tried = found + compared + known.patches + (wanted.trained > 0)
    patch_px = max(LEAST_SIDE_PX, round(trials.size * known.side_px))
    variants = [len(variants_of(placement, trials)) for placement in trials.placements]
    confirmed = _confirmed(config, variants, own, known)
    mapped = min(config.places.findings, wanted.confirmed)
    return Workload(
        mapped=known.discovery if known.mapped else 0,
        icons=on_sheets,
        icon_steps=(on_sheets + looks) * atlas.icon_steps,
        patch_icon_steps=(wanted.icons + wanted.dreams) * wanted.icon_steps,
        patch_px=patch_px,
        linear=wanted.screened + compared + known.drawings + screened_of(wanted) + of_further if known.mapped else 0,
        tail=screened + _screened_at_own_places(own, known) if known.mapped else 0,
        trained=wanted.trained * TrainingBudget().batch_size,
        tried=tried + TRIED_AT_OWN * own,
        selection=_selection(config, known, tried, found + known.patches, wanted.confirmed) * variants[0]
        + _selection(config, known, TRIED_AT_OWN * own, TRIED_AT_OWN * own, own),
        confirmation=(tried + TRIED_AT_OWN * own + _SHARED_CONTROLS) * variants[0] * known.confirmation
        + sum(patches + controls for _, patches, controls in confirmed),
        confirmed=confirmed,
        screened=0 if known.mapped else screened,
        whole=_whole_pictures(wanted.whole_pictures, known),
        removed=_removed(config, known),
        places=mapped * _places(config, known),
        doses=mapped * dose_pastes(config, known.confirmation),
        lenders=known.lenders,
        survival=min(config.survival.findings, wanted.confirmed * len(trials.placements) + own)
        * survival_pastes(config, known.confirmation),
        pasted_icon_steps=pasted_icons * atlas.icon_steps,
    )


def _confirmed(
    config: AuditConfig, variants: Sequence[int], own: int, known: Known
) -> tuple[tuple[Placement, int, int], ...]:
    """By placement, pastes of confirmed patches and of their controls; at the first the patches are the survey's."""
    of_all = config.candidates.confirmed * known.confirmation
    pastes = [
        (placement, 0 if turn == 0 else of_all * count, of_all * count * len(CONTROLS))
        for turn, (placement, count) in enumerate(zip(config.trials.placements, variants, strict=True))
    ]
    at_own = own * known.confirmation
    return (*pastes, (Placement.OWN, at_own, at_own * len(CONTROLS)))


def _screened_at_own_places(own: int, known: Known) -> int:
    """Source pictures through the tail: for each box in grey, and for each crop on the short list."""
    if not own:
        return 0
    return (known.boxes + 1) * min(ASKED, known.screening) + SHORTLISTED_AT_OWN * own * known.screening


def _whole_pictures(confirmed: int, known: Known) -> int:
    """All effects on selection pictures, and the best with their controls on confirmation pictures, at most.

    One kind, fine detail, has two controls more than the others: noise, which is counted of each, and its contrast.
    """
    if not confirmed or not known.confirmation:
        return 0
    best = min(confirmed, count_of_kinds())
    tried = count_of_effects() * min(SELECTION_PICTURES, known.selection)
    return tried + (best * (1 + len(OF_ANY_CHANGE) + len(OF_FINE_DETAIL)) + 1) * known.confirmation


def _places(config: AuditConfig, known: Known) -> int:
    """Of one patch: the map and the doses, and where a layer is mapped, on the object and off it."""
    on_object = on_object_pastes(config, known.confirmation) if known.mapped else 0
    return grid_pastes(config, known.confirmation) + dose_pastes(config, known.confirmation) + on_object


def _removed(config: AuditConfig, known: Known) -> int:
    """Pictures of the target; then, fill by fill, without each feature and without as much elsewhere."""
    most = config.needed.pictures
    return known.target + 2 * len(FILLS) * config.candidates.confirmed * min(most, known.target) if most else 0


def _without_atlas(config: AuditConfig) -> AuditConfig:
    """The settings without what needs a layer, or gradients: icons, looks, crops by contrast, a trained patch."""
    nothing = {"icons": 0, "dreams": 0, "strongest": 0, "trained": 0}
    return config.model_copy(
        update={
            "atlas": config.atlas.model_copy(update={"icons": 0, "pasted_icons": 0, "looks": 0}),
            "candidates": config.candidates.model_copy(update=nothing),
        }
    )


def expected_icons(atlas: AtlasConfig, known: Known) -> int:
    """Icons on the sheets, of whole levels while they fit, before anybody knows how many cells hold activations.

    A layout leaves most of the plane empty: over the audits of docs/cli.md a grid of g × g had about 2.25 g^1.3 cells.
    A level that may fit or not, by a quarter either way, counts half.
    """
    samples = known.discovery * (atlas.positions_per_image + atlas.strongest_per_image)
    most_cells = samples / (2 * atlas.min_count)
    return _expected(atlas.icons, atlas, lambda level: min(2.25 * level**1.3, level**2, most_cells))


def _expected_of_pasted(atlas: AtlasConfig, crops: int) -> int:
    """Of the atlas of patches as pasted, which fills its plane: nine tenths of it, or as many cells as crops fill."""
    return _expected(atlas.pasted_icons, atlas, lambda level: min(0.9 * level**2, crops / (2 * atlas.min_count)))


def _expected(most: int, atlas: AtlasConfig, cells_at: Callable[[int], float]) -> int:
    icons = 0.0
    for level in sorted(atlas.levels):
        cells = cells_at(level)
        if icons == 0 and cells > most:
            return most  # of the coarsest level as many as fit
        if icons + cells > 1.25 * most:
            break
        icons += cells if icons + cells < 0.8 * most else cells / 2
    return min(most, round(icons))


def _selection(config: AuditConfig, known: Known, tried: int, may_be_found: int, confirmed: int) -> int:
    """Pictures of the halving: all patches on the first few, then the better half of those that may be found."""
    entering, alive, total = tried, may_be_found, 0
    for first, last in halving_steps(known.selection, config.candidates.halving_images):
        total += entering * (last - first)
        entering = alive = max(confirmed, (alive + 1) // 2)
    return total
