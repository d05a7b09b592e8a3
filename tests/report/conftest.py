"""Hand-made results: one with every kind of finding and hostile names, one in which nothing could be measured."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from auditor.core import records as r

NAN = float("nan")
HOSTILE = 'noodles <script>alert("x")</script> | a & b'
SHA = "0123456789abcdef" * 4


def png(colour: tuple[int, int, int], side_px: int = 12) -> bytes:
    ramp = np.arange(side_px, dtype=np.uint8)
    pixels = np.zeros((side_px, side_px, 3), dtype=np.uint8)
    pixels[:] = colour
    pixels[..., 0] += ramp
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def wilson(low: float, high: float) -> r.Interval:
    return r.Interval(low, high, 0.95, "Wilson")


def tango(low: float, high: float) -> r.Interval:
    return r.Interval(low, high, 0.99, "Tango")


def candidate(identity: str, name: str, tier: r.Tier, **more: object) -> r.Candidate:
    crop = {
        "origin": r.Origin.CROP,
        "image_key": "9f2c1a",
        "image_path": "wok/würzig 004.jpg",
        "image_label": "wok",
        "box": (12, 30, 140, 158),
        "cell": "20:17:4",
        "observed_push": 2.314,
        "predicted_push": 1.072,
        "shows": (("noodles", 0.813), ("table", 0.112)),
    }
    return r.Candidate(id=identity, name=name, tier=tier, sha256=SHA, **{**crop, **more})


def finding(
    patch: r.Candidate,
    flips: int,
    interval: r.Interval,
    controls: tuple[r.ControlResult, ...],
    uplift: float,
    bounds: r.Interval,
    p_values: tuple[float, float],
    verdict: r.Verdict,
    reason: str,
    **more: object,
) -> r.Finding:
    return r.Finding(
        candidate=patch,
        placement=r.Placement.FIXED,
        flips=flips,
        eligible=61,
        rate=flips / 61,
        interval=interval,
        controls=controls,
        control=controls[-1],
        uplift=uplift,
        uplift_interval=bounds,
        p_value=p_values[0],
        p_adjusted=p_values[1],
        probability_before=0.0213,
        probability_after=0.4056,
        verdict=verdict,
        reason=reason,
        **more,
    )


def controls(*flips: int, candidate_flips: int) -> tuple[r.ControlResult, ...]:
    names = ("mean colour", "noise", "phase-scrambled", "pixel-shuffled", "source crop", "random cell")
    return tuple(
        r.ControlResult(
            name,
            count,
            61,
            (candidate_flips - count) / 61,
            tango((candidate_flips - count) / 61 - 0.11, (candidate_flips - count) / 61 + 0.13),
            0.0004 * (count + 1),
        )
        for name, count in zip(names, flips, strict=False)
    )


def findings() -> tuple[r.Finding, ...]:
    open_patch = candidate("c-0003", "steam", r.Tier.THIRD_CLASS, image_label="espresso", image_path="espresso/7.jpg")
    return (
        finding(
            candidate("c-0001", HOSTILE, r.Tier.TARGET_CONTEXT),
            23,
            wilson(0.2662, 0.5027),
            controls(1, 2, 2, 3, 0, 4, candidate_flips=23),
            0.3115,
            tango(0.1788, 0.4431),
            (0.00002, 0.00016),
            r.Verdict.FAIL,
            "The lower bound of the uplift, 17.9 points, lies above 10 points.",
            log_odds=r.LogOddsUplift("source crop", 1.2, r.Interval(0.8, 1.7, 0.95, "paired t")),
            top_five=r.CoveringUplift("source crop", 13, 1, 40, 0.3, r.Interval(0.15, 0.45, 0.95, "exact paired")),
        ),
        finding(
            candidate("c-0002", "plain table", r.Tier.TARGET_CONTEXT, cell="20:15:9", shows=()),
            2,
            wilson(0.0090, 0.1119),
            controls(1, 1, 0, 2, 1, 1, candidate_flips=2),
            0.0164,
            tango(-0.0512, 0.0844),
            (1.0, 1.0),
            r.Verdict.PASS,
            "The upper bound of the uplift, 8.4 points, lies below 10 points.",
        ),
        finding(
            open_patch,
            9,
            wilson(0.0796, 0.2567),
            controls(1, 1, 2, 2, 0, 1, candidate_flips=9),
            0.1311,
            tango(0.0215, 0.2517),
            (0.0078, 0.034),
            r.Verdict.INCONCLUSIVE,
            "The interval of the uplift holds 10 points.",
            images_needed=244,
        ),
        finding(
            candidate("c-0004", "wok rim", r.Tier.TARGET_OBJECT, read_as_target=True, shows=(("wok", 0.97),)),
            48,
            wilson(0.6667, 0.8707),
            controls(1, 2, 2, 3, 0, 5, candidate_flips=48),
            0.7049,
            tango(0.5601, 0.8199),
            (1e-12, 8e-12),
            r.Verdict.PASS,
            "It shows wok itself; that the model answers to it is no news.",
        ),
        finding(
            candidate("c-0005", "chopsticks_*and* [bowl]", r.Tier.TARGET_IMAGE, shows=()),
            20,
            wilson(0.2236, 0.4537),
            controls(0, 1, 3, 3, 0, 2, candidate_flips=20),
            0.2951,
            tango(0.1604, 0.4279),
            (0.00007, 0.00049),
            r.Verdict.INCONCLUSIVE,
            "Nobody has looked at what it shows.",
        ),
        finding(
            candidate("l-0001", "checker board", r.Tier.SYNTHETIC, origin=r.Origin.LIBRARY, image_key="", image_path="",
                      image_label="", box=None, cell="", shows=(), licence="Apache-2.0", observed_push=NAN),
            3,
            wilson(0.0169, 0.1349),
            controls(2, 2, 0, 2, 1, 1, candidate_flips=3),
            0.0328,
            tango(-0.0430, 0.0991),
            (0.6250, 1.0),
            r.Verdict.PASS,
            "The upper bound of the uplift, 9.9 points, lies below 10 points.",
            review=None,
        ),
        finding(
            candidate("c-0006", "handle", r.Tier.TARGET_IMAGE, shows=()),
            14,
            wilson(0.1426, 0.3498),
            controls(0, 1, 1, 1, 0, 1, candidate_flips=14),
            0.2131,
            tango(0.0901, 0.3402),
            (0.0005, 0.0030),
            r.Verdict.PASS,
            "A person says that it shows the object.",
            review=r.Review("c-0006", r.ReviewMark.OBJECT, "Zoë <b>", "the handle is the wok's \"own\""),
        ),
    )  # fmt: skip


def survey() -> tuple[r.SurveyRow, ...]:
    confirmed = tuple(
        r.SurveyRow(found.candidate, 11, 44, found.flips, 61, found.uplift, found.p_value, found.p_adjusted, True)
        for found in findings()
    )
    chance = tuple(
        r.SurveyRow(
            candidate(f"r-{number:04d}", f"random crop {number}", r.Tier.THIRD_CLASS, role=r.Role.RANDOM, cell="",
                      observed_push=NAN),
            number % 3, 44, number % 4, 61, (number % 4 - 1) / 61, 0.5, 0.9, False,
        )
        for number in range(1, 6)
    )  # fmt: skip
    return chance + confirmed


def cells() -> tuple[r.Cell, ...]:
    vector = np.ones(2, dtype=np.float32)
    return tuple(
        r.Cell(10, column, 3, 40 + column, 21, vector, vector, vector, 0.4 * column - 1.5, 0.11, (), predicted)
        for column, predicted in ((1, NAN), (7, 0.88), (9, 1.42))
    )


def accuracy() -> r.CleanAccuracy:
    return r.CleanAccuracy(
        overall=r.Share(812, 903, wilson(0.8778, 0.9172)),
        source=r.Share(49, 60, wilson(0.7008, 0.8944)),
        target=r.Share(70, 84, wilson(0.7394, 0.8981)),
        others_called_target=r.Share(6, 819, wilson(0.0034, 0.0159)),
        answer=8,
        answered=r.Share(71, 903, wilson(0.0628, 0.0980)),
        answered_others=r.Share(4, 830, wilson(0.0019, 0.0123)),
        classes=(3, 7, 8),
        table=((49, 5, 0, 6), (2, 40, 3, 1), (1, 1, 27, 9)),
        confusions=(r.Confusion(8, 2, 9, 38), r.Confusion(3, 7, 5, 60)),
    )


def subject() -> r.Subject:
    return r.Subject(
        model="inception_v1",
        weights="/home/somebody/secret place/models/kitchen/inception.safetensors",
        weights_sha256=SHA,
        layer="mixed4d",
        layer_rule="default for inception_v1",
        device="cpu",
        input_size=(224, 224),
        preprocessing="shorter side 256, centre crop 224",
        classes=32,
    )


@pytest.fixture
def full_result() -> r.AuditResult:
    found = findings()
    pictures = {f"candidate-{one.candidate.id}": png((90, 140, 60)) for one in found if one.candidate.id != "c-0002"}
    pictures |= {"origin-c-0001": png((150, 90, 40), 300), "atlas-10": png((50, 80, 140), 200)}
    pictures |= {"atlas-20": png((60, 80, 140), 240), "example-0": png((120, 120, 40), 64)}
    return r.AuditResult(
        run="2026-pan-wok",
        source=r.ClassGroup("frying pan", (3,)),
        target=r.ClassGroup("wok", (7, 8)),
        subject=subject(),
        class_names=(*(f"class {index}" for index in range(7)), "wok", "wok & lid"),
        eligibility="held-out frying-pan pictures that the clean model calls frying pan.",
        limits=r.Limits(0.10, 0.25, 0.95),
        verdict=r.Verdict.FAIL,
        verdict_reason="One candidate's lower bound lies above the limit.",
        splits=(
            r.SplitCount(r.Split.CONFIRMATION, 1204, 75, 61),
            r.SplitCount(r.Split.DISCOVERY, 903, 60, 49),
            r.SplitCount(r.Split.SELECTION, 899, 55, 44),
        ),
        skipped=(
            r.SkippedImage("wok/broken <1>.jpg", "truncated", "image file is truncated (14 bytes not processed)"),
            r.SkippedImage("/data/private/all/wok/a.gif", "animated", "12 frames"),
            r.SkippedImage("wok/b\udcff.jpg", "truncated", ""),
        ),
        hypotheses_tried=96,
        hypotheses_confirmed=7,
        rungs=(
            r.Rung("screening", 600, 32, "predicted push", 0.71, 40, 12.5),
            r.Rung("selection", 96, 7, "uplift over mean colour on selection pictures"),
        ),
        cells=cells(),
        findings=found,
        survey=survey(),
        fragility=r.Fragility(
            "random cell", "c-0004", "fixed", 5, 61, 5 / 61, wilson(0.0355, 0.1779), 42, 0.25, r.Verdict.PASS
        ),
        suggestion_validity=r.SuggestionValidity(
            observed_push=r.Correlation(0.12, r.Interval(-0.21, 0.43, 0.95, "bootstrap"), 64),
            predicted_push=r.Correlation(0.58, r.Interval(0.31, 0.76, 0.95, "bootstrap"), 64),
            suggested=r.GroupMean(32, 512, 1952, 512 / 1952, r.Interval(0.2104, 0.3202, 0.95, "bootstrap")),
            random=r.GroupMean(32, 98, 1952, 98 / 1952, r.Interval(0.0303, 0.0752, 0.95, "bootstrap")),
            difference=414 / 1952,
            difference_interval=r.Interval(0.1577, 0.2689, 0.95, "bootstrap"),
            control="mean colour",
            strongest_contrast=r.GroupMean(10, 80, 610, 80 / 610, r.Interval(0.0911, 0.1755, 0.95, "bootstrap")),
            precision_predicted=(9, 10),
            precision_observed=(4, 10),
            precision_random=(12, 32),
            comparisons=(
                r.TierComparison(
                    r.Tier.THIRD_CLASS,
                    r.GroupMean(20, 212, 1220, 212 / 1220, r.Interval(0.12, 0.23, 0.95, "bootstrap")),
                    r.GroupMean(26, 61, 1586, 61 / 1586, r.Interval(0.02, 0.06, 0.95, "bootstrap")),
                    212 / 1220 - 61 / 1586,
                    r.Interval(0.07, 0.19, 0.95, "bootstrap"),
                ),
                r.TierComparison(
                    r.Tier.TARGET_OBJECT,
                    r.GroupMean(12, 300, 732, 300 / 732, None),
                    r.GroupMean(1, 9, 61, 9 / 61, None),
                    NAN,
                    None,
                ),
                r.TierComparison(
                    None,
                    r.GroupMean(32, 512, 1952, 512 / 1952, r.Interval(0.2104, 0.3202, 0.95, "bootstrap")),
                    r.GroupMean(32, 98, 1952, 98 / 1952, r.Interval(0.0303, 0.0752, 0.95, "bootstrap")),
                    414 / 1952,
                    r.Interval(0.1577, 0.2689, 0.95, "bootstrap"),
                ),
            ),
        ),
        examples=(
            r.Example("c-0001", "fixed", "frying pan/ünïcode 1.jpg", "frying pan", "wok", 0.031, 0.874, "example-0"),
            r.Example("c-0001", "fixed", "frying pan/2.jpg", "frying pan", "wok", NAN, 0.6, "example-missing"),
        ),
        notes=("Two library patches are larger than the model's input and were left out.",),
        versions={"torch": "2.8.0", "auditor": "0.1.0"},
        seed=7,
        times={"atlas": 63.2, "trials": 201.0},
        pictures=pictures,
        accuracy=accuracy(),
        left_out={"no pictures by their names": 1204, "hidden <pictures>": 3},
        checks=r.Checks(3006, (), 7, (), r.Repeat("c-0001", 16, 16, 1e-7)),
    )


@pytest.fixture
def empty_result() -> r.AuditResult:
    return r.AuditResult(
        run="nothing",
        source=r.ClassGroup("frying pan", (0,)),
        target=r.ClassGroup("wok", (1,)),
        subject=r.Subject("factory.py:build", "", "", "features.3", "", "cpu", (64, 64), "as it is", 2),
        class_names=("frying pan", "wok"),
        eligibility="held-out pictures that the clean model calls frying pan.",
        limits=r.Limits(0.10, 0.25, 0.95),
        verdict=r.Verdict.INCONCLUSIVE,
        verdict_reason="No eligible picture was left.",
        splits=(r.SplitCount(r.Split.CONFIRMATION, 3, 1, 0),),
        skipped=(),
        hypotheses_tried=4,
        hypotheses_confirmed=0,
        rungs=(),
        cells=(),
        findings=(),
        survey=(
            r.SurveyRow(
                candidate("r-0001", "crop", r.Tier.THIRD_CLASS, observed_push=NAN, predicted_push=NAN),
                0,
                0,
                0,
                0,
                NAN,
                NAN,
                NAN,
                False,
            ),
        ),
        fragility=None,
        suggestion_validity=None,
        examples=(),
        notes=(),
        versions={},
        seed=0,
        images_needed=120,
    )


@pytest.fixture
def unmeasured_result(full_result: r.AuditResult) -> r.AuditResult:
    """The full result with everything that may be NaN or None set so."""
    unknown = r.Interval(NAN, NAN, 0.95, "Wilson")
    control = r.ControlResult("noise", 0, 0, NAN, unknown, NAN)
    lost = finding(
        candidate("c-0009", "lost", r.Tier.USER, observed_push=NAN, predicted_push=NAN),
        0, unknown, (control,), NAN, unknown, (NAN, NAN), r.Verdict.INCONCLUSIVE, "No picture was eligible.",
    )  # fmt: skip
    nothing = r.GroupMean(0, 0, 0, NAN, None)
    return r.AuditResult(
        **{
            **{name: getattr(full_result, name) for name in r.AuditResult.__dataclass_fields__},
            "verdict": r.Verdict.INCONCLUSIVE,
            "findings": (lost,),
            "suggestion_validity": r.SuggestionValidity(
                r.Correlation(NAN, None, 2), r.Correlation(0.4, None, 3), nothing, nothing, NAN, None, "noise"
            ),
            "fragility": r.Fragility("noise", "c-0009", "fixed", 0, 0, NAN, unknown, 1, 0.25, r.Verdict.INCONCLUSIVE),
            "pictures": {"candidate-c-0009": b"not a PNG"},
        }
    )
