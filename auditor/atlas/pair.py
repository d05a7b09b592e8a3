"""The pair's atlas under the name that the stages use; `kinds` and `build` make it."""

from auditor.atlas.build import build_pair_atlas
from auditor.atlas.kinds import Atlas

__all__ = ["Atlas", "build_pair_atlas"]
