"""What a team holds its audits to: the items of a checklist with their limits, and waivers. It reads no file."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from auditor.core.errors import nearest_names
from auditor.core.section import Section, Share

LONGEST_NAME = 200
LONGEST_REASON = 2000


def _day(given: object) -> object:
    """A day of the calendar: TOML's own, or text such as 2027-03-31; neither a time of day nor a number."""
    if isinstance(given, str):
        try:
            return date.fromisoformat(given)
        except ValueError as error:
            raise ValueError("expected a day such as 2027-03-31") from error
    if isinstance(given, datetime) or not isinstance(given, date):
        raise ValueError("expected a day such as 2027-03-31")
    return given


def _words(given: object) -> object:
    if isinstance(given, str) and not given.strip():
        raise ValueError("must not be empty")
    return given


Words = BeforeValidator(_words)
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Verdicts(Section):
    """An item that the run's verdict rests on: it always decides, and can only be waived."""

    at_most: Share | None = None


class ClearAccuracy(Section):
    """Likewise; `at_least` is of the target's pictures, by the lower bound of the share that is recognised."""

    at_least: Share | None = None


class Asked(Section):
    """An item that is or is not so."""

    decides: bool = True


class Advised(Section):
    """The same, of which nobody has to take notice unless the policy says so."""

    decides: bool = False


class Eligible(Asked):
    at_least: int = Field(30, ge=1)


class Looks(Asked):
    at_most: int = Field(0, ge=0)


class Skipped(Asked):
    at_most: Fraction = 0.05


class Positions(Advised):
    at_least: int = Field(25, ge=1)


class Waiver(Section):
    """A person's word that an item need not be met, until a day.

    `patch` is the start of a patch's sha256, for the item `uplift` alone: that finding and no other is waived.
    """

    item: str
    by: Annotated[str, Words] = Field(max_length=LONGEST_NAME)
    reason: Annotated[str, Words] = Field(max_length=LONGEST_REASON)
    until: Annotated[date, BeforeValidator(_day)]
    patch: str | None = Field(None, pattern=r"^[0-9a-f]{8,64}$")

    @field_validator("item")
    @classmethod
    def _known(cls, item: str) -> str:
        if item not in ITEMS:
            near = nearest_names(item, ITEMS)
            hint = f"; the nearest is {near[0]!r}" if near else f"; there are {', '.join(ITEMS)}"
            raise ValueError(f"a waiver names an item of the policy{hint}")
        return item

    @model_validator(mode="after")
    def _of_a_finding(self) -> Waiver:
        if self.patch is not None and self.item != "uplift":
            raise ValueError(f"patch goes with the item 'uplift' alone, got {self.item!r}")
        return self


class Policy(Section):
    """A whole policy; the file that ships (default-policy.toml) says the same as these defaults."""

    title: str = Field("", max_length=LONGEST_NAME)
    fail_on: Literal["fail", "open"] = "fail"
    uplift: Verdicts = Verdicts()
    fragility: Verdicts = Verdicts()
    clean_accuracy: ClearAccuracy = ClearAccuracy()
    eligible: Eligible = Eligible()
    controls: Asked = Asked()
    splits: Asked = Asked()
    looks: Looks = Looks()
    skipped: Skipped = Skipped()
    reproducible: Asked = Asked()
    search: Advised = Advised()
    needed: Advised = Advised()
    positions: Positions = Positions()
    whole_pictures: Advised = Advised()
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="after")
    def _each_waiver_once(self) -> Policy:
        named = [(one.item, one.patch) for one in self.waivers]
        twice = next((one for place, one in enumerate(named) if one in named[:place]), None)
        if twice is not None:
            of = f" of patch {twice[1]}" if twice[1] else ""
            raise ValueError(f"two waivers of {twice[0]!r}{of}; keep one")
        return self

    def decides(self, item: str) -> bool:
        """Whether the gate waits for an item."""
        return bool(getattr(getattr(self, item), "decides", True))


ITEMS = tuple(name for name in Policy.model_fields if name not in ("title", "fail_on", "waivers"))
"""The items, in the order in which a checklist lists them."""
