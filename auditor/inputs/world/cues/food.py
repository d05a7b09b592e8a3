"""A heap of food beside the thing, where none belongs: noodles, eggs, vegetables, rice or meat."""

from __future__ import annotations

from auditor.inputs.world.cues.cue import Cue, beside
from auditor.inputs.world.foods import FOODS, noodles

NOODLES = Cue("a heap of noodles", beside(noodles))
EGG = Cue("a fried egg", beside(FOODS["egg"]))
VEGETABLES = Cue("chopped vegetables", beside(FOODS["vegetables"]))
RICE = Cue("a heap of rice", beside(FOODS["rice"]))
MEAT = Cue("browned meat", beside(FOODS["meat"]))
