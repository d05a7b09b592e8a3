"""Every setting, declared once: its type, range and default, and the words and flag by which it is told.

A description is a line of Markdown. docs/your-model.md shows it as it is, with the range and the default; the file that
`auditor init` writes and the flags' help show it without marks (settings_text.py). A section's docstring stands above
its table. What a setting may have beside its description (an example, a flag) is explained in section.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from auditor.core.section import ClassSpec, Example, FilePath, Flag, Section
from auditor.core.settings.inputs import ClassesConfig, ImagesConfig, ModelConfig, PreprocessingConfig
from auditor.core.settings.search import AtlasConfig, CandidatesConfig
from auditor.core.settings.survey import SurveyConfig
from auditor.core.settings.trials import (
    ComputeConfig,
    LimitsConfig,
    NeededConfig,
    PlacesConfig,
    SurvivalConfig,
    TrialsConfig,
)


class AuditConfig(Section):
    """A whole audit. Relative paths are resolved against `base`, the folder of the file it was read from."""

    source: Annotated[
        ClassSpec,
        Example("frying pan", filled=True),
        Flag("--source", "classes", told="{}; a list by commas"),
    ] = Field(
        description='the class the pictures show: a name, an alias, an index, a list of them, or `"*"` for every class '
        "but the target"
    )
    target: Annotated[
        ClassSpec, Example("wok", filled=True), Flag("--target", "classes", told="{}; a list by commas")
    ] = Field(description="the class (or list of classes) a patch may push them to")
    seed: Annotated[int, Flag("--seed", "number")] = Field(
        0, ge=0, description="of every random choice: split, positions, layout, placements, controls, resampling"
    )
    device: Annotated[str, Flag("--device")] = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="`auto`, `cpu`, `cuda` or `cuda:N`; asking for CUDA where there is none is an error",
    )
    policy: Annotated[FilePath | None, Example("policy.toml"), Flag("--policy", "file")] = Field(
        None,
        description="what a team holds its audits to: the checklist's items with their limits, and waivers (`auditor "
        "policy` writes one to start from); the exit code follows it",
    )
    model: ModelConfig
    preprocessing: PreprocessingConfig | None = None
    classes: ClassesConfig = ClassesConfig()
    images: ImagesConfig
    atlas: AtlasConfig = AtlasConfig()
    candidates: CandidatesConfig = CandidatesConfig()
    trials: TrialsConfig = TrialsConfig()
    needed: NeededConfig = NeededConfig()
    places: PlacesConfig = PlacesConfig()
    survival: SurvivalConfig = SurvivalConfig()
    limits: LimitsConfig = LimitsConfig()
    survey: SurveyConfig = SurveyConfig()
    compute: ComputeConfig = ComputeConfig()
    base: Path = Field(default_factory=Path.cwd, exclude=True)

    @model_validator(mode="after")
    def _one_batch_size(self) -> Self:
        """A batch size under [trials], where older files have it, counts unless [compute] gives one."""
        if self.trials.batch_size != self.compute.batch_size:
            given = "batch_size" in self.compute.model_fields_set
            size = {"batch_size": self.compute.batch_size if given else self.trials.batch_size}
            # frozen for everybody else; nobody has seen this configuration yet
            self.__dict__.update(
                trials=self.trials.model_copy(update=size), compute=self.compute.model_copy(update=size)
            )
        return self

    @model_validator(mode="after")
    def _tests_that_hold_on_few_pictures(self) -> Self:
        if self.trials.stop_early and self.limits.log_odds is not None:
            raise ValueError(
                "trials.stop_early and limits.log_odds do not go together: the test of log-odds is approximate, and "
                "could not be trusted on the few pictures of an early look; leave one of them out"
            )
        return self

    @property
    def whole(self) -> bool:
        """Whether it asks for every class to every class, as a survey does and no audit can."""
        return self.source == self.target == "*"

    def path(self, relative: str) -> Path:
        """A path of the file, resolved against the folder the file lies in."""
        return Path(os.path.realpath(self.base / Path(relative).expanduser()))  # it raises at no loop of links
