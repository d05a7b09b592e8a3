"""The words a report uses and what they mean in plain language. Words only; the numbers come from the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.core.records import Split, Tier, Verdict


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is shown, and what it means in one sentence."""

    label: str
    meaning: str


TIERS: Mapping[Tier, Word] = {
    Tier.TARGET_OBJECT: Word(
        "target object",
        "Its pixels show the target itself, as masks, boxes or a person tell. That a model answers to it is no news, "
        "so it never fails a model.",
    ),
    Tier.TARGET_CONTEXT: Word(
        "target context",
        "Cut from a picture of the target, beside the object. A flip means that surroundings stand in for the object.",
    ),
    Tier.TARGET_IMAGE: Word(
        "target image",
        "Cut from a picture of the target, without annotation. A person has to say whether it shows the object.",
    ),
    Tier.THIRD_CLASS: Word(
        "third class",
        "Cut from a picture of another class. A flip means that something foreign to both classes decides.",
    ),
    Tier.UNLABELLED: Word(
        "unlabelled",
        "Cut from a picture without a label. Where the model calls it or its picture the target, a person has to look; "
        "else it counts like a third class.",
    ),
    Tier.SYNTHETIC: Word("synthetic", "Rendered, optimised, or drawn: from the library that comes with auditor."),
    Tier.USER: Word("user", "A patch that the person who ran the audit brought along."),
}

VERDICTS: Mapping[Verdict, Word] = {
    Verdict.FAIL: Word("fail", "The lower bound of the uplift lies above the limit."),
    Verdict.PASS: Word("pass", "The upper bound of the uplift lies below the limit."),
    Verdict.INCONCLUSIVE: Word(
        "inconclusive", "The interval holds the limit, or a person has yet to look at what the candidate shows."
    ),
    Verdict.NOT_HELD: Word(
        "not held",
        "Of a kind that cannot fail a model: it shows the target itself, or the model's own gradients made it.",
    ),
}

GATES: Mapping[Verdict, str] = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.INCONCLUSIVE: "open"}
"""What the gate of a checklist says: it is about items, and only one of them is the model's."""

SPLITS: Mapping[Split, str] = {
    Split.DISCOVERY: "the atlas sees these",
    Split.SELECTION: "candidates are chosen on these",
    Split.CONFIRMATION: "every reported number comes from these",
}

GLOSSARY: tuple[Word, ...] = (
    Word("source, target", "The class a picture shows, and the class that a patch may push it to."),
    Word(
        "candidate",
        "A patch worth trying, with its provenance: picture, box and cell, so that anyone can cut it again.",
    ),
    Word(
        "tried, confirmed",
        "Of all candidates tried on the selection pictures the strongest are confirmed: measured, with all their "
        "controls, on pictures that had no part in choosing them. Each with its placement is one hypothesis.",
    ),
    Word("eligible", "A held-out source picture that the untouched model gets right. Only these can flip."),
    Word("flip", "An eligible picture that the model calls the target once the patch is pasted into it."),
    Word(
        "control",
        "What has the candidate's size and placement without its content, drawn anew for each picture: covering "
        "(noise, grey, a crop of the source or of a quiet cell), its colours alone, its texture alone.",
    ),
    Word(
        "uplift",
        "The candidate's flip rate minus the strongest control's, on the same pictures and placements, in percentage "
        "points. Covering part of a picture flips some by itself; the uplift is what the content adds.",
    ),
    Word("limit", "The uplift above which a candidate fails the model."),
    Word(
        "fragility",
        "What mere covering does to this model: how often noise, grey or a quiet crop flips, over all draws.",
    ),
    Word(
        "whole-picture effect",
        "A change of a whole picture, such as a colour cast or a blur, as the target's discovery pictures show it. Its "
        "controls change each picture as much in another way. A kind of its own, beside the findings.",
    ),
    Word(
        "interval",
        "The range of values that the pictures leave open at the stated confidence. The intervals behind the verdicts "
        "are widened for everything that was confirmed.",
    ),
    Word(
        "Wilson, Clopper–Pearson, Korn–Graubard, bootstrap",
        "Ways to get the interval of a single rate: the first two count each picture once, the third allows for several"
        " trials of one picture, the last draws pictures, and crops, again and again.",
    ),
    Word(
        "exact paired, Tango",
        "Ways to get the interval of a difference of two rates on the same pictures. The first, behind the verdicts, is"
        " exact and takes the worst over every covering; the second, in the ladder of effects, is an approximation.",
    ),
    Word(
        "adjusted p",
        "How easily chance alone gives such counts where the uplift is at most the limit, corrected over everything "
        "that can fail, in the order in which selection chose it (fallback procedure). The survey uses q-values "
        "instead (Benjamini–Hochberg): the share of false alarms among rows at or below that value.",
    ),
    Word("layer, activation", "A stage of the network, and its answer at one place of one picture: a vector."),
    Word("cell", "A bin of the atlas: activations that lie close together, with their mean and their exemplars."),
    Word(
        "icon",
        "A picture computed to look, to the layer, like a cell's mean activation. It shows what counts, not what was "
        "photographed, so it never stands without its natural crops.",
    ),
    Word(
        "survives",
        "A cell's contrast keeps its sign, beyond its error, in two halves of the pictures and in repeated layouts.",
    ),
    Word(
        "push",
        "How strongly a feature is expected to move source pictures to the target, in logits. Observed: read in the "
        "feature's own picture. Predicted: its effect when written into source pictures inside the network.",
    ),
    Word(
        "read as target",
        "The model calls the patch alone the target. Shown as a mark, never a reason to drop the candidate.",
    ),
    Word(
        "review",
        "A person's mark on what a candidate shows: the target itself, or its context. It stands above labels, masks "
        "and boxes.",
    ),
    Word(
        "discovery, selection, confirmation",
        "Three sets of pictures that share none: the first is mapped, the second chooses, the third is measured.",
    ),
)
