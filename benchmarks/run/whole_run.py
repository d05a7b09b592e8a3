"""Where a whole audit's time goes, stage by stage, beside the time that its network passes alone would take.

    python -m benchmarks.run.whole_run demo [--world shortcut] [--out FOLDER]
    python -m benchmarks.run.whole_run examples/kitchen32.toml [--out FOLDER]
    PYTHONPATH=EARLIER_CHECKOUT python benchmarks/run/whole_run.py ...

During the audit every pass through the classifier's network is noted: the whole of it, up to the mapped layer (head),
or behind it (tail); forward alone, with gradients, or with forward-mode derivatives; and its batch's shape. Afterwards
the same passes are run on ready, normalised batches, with nothing around them: no pasting, no pictures, no optimiser,
no look at the answer. The factor is the stage's time over that. A pass behind the layer includes the one black picture
that `LayerCut` sends ahead, since that is how the pass is made.

A stage's seconds run from the end of the stage before it, so that they add up to the whole audit; the opening of the
model counts with the first stage. Processor seconds (user, system) and page faults are this process' own. The
networks' passes are timed in rounds of a few, spread over the kinds of passes, and the quieter half of the rounds
counts, since others may be at work on the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from auditor.atlas.tangents import FixedWeights, make_dual, unpack_dual

WORLDS = ("shortcut", "clean")
ROUNDS, A_ROUND = 6, 4
"""Rounds in which every kind of pass takes its turn, and how many passes it makes in one."""

OPENING, END = "", "afterwards"


def module(*names: str) -> ModuleType:
    """The first of these modules that there is: an earlier checkout has other names."""
    for name in names[:-1]:
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(name)
    return importlib.import_module(names[-1])


@dataclass(frozen=True, order=True)
class Pass:
    """A kind of pass.

    Attributes:
        part: whole, head or tail. mode: how derivatives are taken, "" for none.
        shape: of the batch: pictures, or features for the tail. channels_last: how it lies in memory.
    """

    part: str
    mode: str
    shape: tuple[int, ...]
    channels_last: bool

    @property
    def words(self) -> str:
        size = "×".join(map(str, self.shape))
        return f"{self.part}, {self.mode or 'forward alone'}, {size}"


@dataclass
class Noted:
    """What one stage took, and the passes that it made."""

    seconds: float = 0.0
    user: float = 0.0
    system: float = 0.0
    faults: int = 0
    passes: Counter[Pass] = field(default_factory=Counter)


@dataclass
class Made:
    """One pass: its part, its batch's shape and how it lies, whether its output carried a tangent or a graph."""

    part: str
    shape: tuple[int, ...]
    channels_last: bool
    tangent: bool
    graph: bool
    backwards: int = 0

    def went_back(self, _gradient: Tensor) -> None:
        self.backwards += 1

    def kind(self) -> Pass:
        mode = "forward mode" if self.tangent else "gradient" if self.backwards else "graph alone" * self.graph
        return Pass(self.part, mode, self.shape, self.channels_last)


@dataclass
class Recorder:
    """Notes every pass, and what each stage takes."""

    stages: dict[str, Noted] = field(default_factory=dict)
    cut: Any = None
    _made: list[Made] = field(default_factory=list)
    _inside: bool = False
    _mark: tuple[float, float, float, int] = (0.0, 0.0, 0.0, 0)

    def begin(self) -> None:
        self._mark = _now()

    def end_of(self, stage: str) -> None:
        """Everything since the last call belongs to this stage."""
        now, noted = _now(), self.stages.setdefault(stage, Noted())
        noted.seconds += now[0] - self._mark[0]
        noted.user += now[1] - self._mark[1]
        noted.system += now[2] - self._mark[2]
        noted.faults += now[3] - self._mark[3]
        self._mark = now
        noted.passes.update(made.kind() for made in self._made)
        self._made.clear()

    def watch(self, owner: type, name: str, part: str) -> None:
        """Note each call of a method that takes a batch and makes one pass; a pass inside another is not its own."""
        original: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(original)
        def noting(cut: Any, *arguments: Any) -> Any:
            if self._inside:
                return original(cut, *arguments)
            batch: Tensor = arguments[-1]
            tangent = forward_ad._current_level >= 0 and unpack_dual(batch)[1] is not None
            self._inside = True
            try:
                output = original(cut, *arguments)
            finally:
                self._inside = False
            lies = batch.is_contiguous(memory_format=torch.channels_last) and not batch.is_contiguous()
            graph = isinstance(output, Tensor) and output.requires_grad
            self._made.append(Made(part, tuple(batch.shape), lies, tangent, graph))
            if graph:
                output.register_hook(self._made[-1].went_back)
            if part != "whole":
                self.cut = cut
            return output

        setattr(owner, name, noting)


def _now() -> tuple[float, float, float, int]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime, used.ru_stime, used.ru_minflt


def whole_pass(classifier: type) -> str:
    """The method that takes a ready batch through the whole network."""
    return "run" if hasattr(classifier, "run") else "forward_normalised"


@contextlib.contextmanager
def recording() -> Iterator[Recorder]:
    """Within the body, what is audited in this process is noted."""
    classifier = module("auditor.inputs.model.classifier", "auditor.subject.classifier").Classifier
    cut = module("auditor.inputs.model.cut", "auditor.subject.cut").LayerCut
    folder = module("auditor.run.folder", "auditor.store").RunFolder
    kept = [(classifier, whole_pass(classifier)), (cut, "features"), (cut, "_tail"), (folder, "mark_done")]
    before = [getattr(owner, name) for owner, name in kept]
    recorder = Recorder()
    recorder.watch(classifier, whole_pass(classifier), "whole")
    recorder.watch(cut, "features", "head")
    recorder.watch(cut, "_tail", "tail")

    def mark_done(run: Any, stage: str, *arguments: Any) -> None:
        before[-1](run, stage, *arguments)
        recorder.end_of(stage)

    folder.mark_done = mark_done
    recorder.begin()
    try:
        yield recorder
        recorder.end_of(END)
    finally:
        for (owner, name), method in zip(kept, before, strict=True):
            setattr(owner, name, method)


def replay(cut: Any, kinds: Counter[Pass]) -> dict[Pass, float]:
    """Seconds a pass of each kind on a ready batch."""
    classifier = cut.classifier
    classifier.normalise = lambda images: images  # ready batches are normalised
    works = {one: _work(cut, one) for one in sorted(kinds)}
    seconds: dict[Pass, list[float]] = {one: [] for one in works}
    for turn in range(ROUNDS + 1):
        for one, work in works.items():
            passes = min(A_ROUND, kinds[one])
            started = time.perf_counter()
            for _ in range(passes):
                work()
            if classifier.device.type == "cuda":
                torch.cuda.synchronize(classifier.device)
            if turn:
                seconds[one].append((time.perf_counter() - started) / passes)
    del classifier.normalise
    return {one: statistics.mean(sorted(taken)[: (len(taken) + 1) // 2]) for one, taken in seconds.items()}


def _work(cut: Any, one: Pass) -> Callable[[], object]:
    ready = torch.rand(one.shape, device=cut.classifier.device)
    if one.channels_last:
        ready = ready.to(memory_format=torch.channels_last)
    whole = getattr(cut.classifier, whole_pass(type(cut.classifier)))
    run = {"whole": whole, "head": cut.features, "tail": cut.logits}[one.part]
    if one.mode == "":

        @torch.inference_mode()
        def forward() -> object:
            return run(ready)

        return forward
    if one.mode == "forward mode":
        along = torch.zeros_like(ready)
        along[:, :, one.shape[2] // 2, one.shape[3] // 2] = 1.0

        def dual() -> object:
            with torch.no_grad(), forward_ad.dual_level(), FixedWeights():
                return run(make_dual(ready, along))

        return dual

    def gradient() -> object:
        leaf = ready.detach().requires_grad_(True)
        output = run(leaf + 0.0)  # a part that begins in place may not write into a leaf
        return torch.autograd.grad(output.sum(), leaf) if one.mode == "gradient" else output

    return gradient


def table(recorder: Recorder, a_pass: Mapping[Pass, float]) -> str:
    """One row a stage in Markdown, and the whole below."""
    rows, total = [], Noted()
    for stage, noted in recorder.stages.items():
        rows.append((stage, noted))
        total.seconds += noted.seconds
        total.user += noted.user
        total.system += noted.system
        total.faults += noted.faults
        total.passes += noted.passes
    lines = [
        "| stage | seconds | user | system | page faults, 1000s | passes | network, s | factor | the rest, s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for stage, noted in (*rows, ("whole", total)):
        alone = sum(a_pass[one] * count for one, count in noted.passes.items())
        factor = f"{noted.seconds / alone:.2f}" if alone > 0.05 * noted.seconds else "—"
        lines.append(
            f"| {stage} | {noted.seconds:.1f} | {noted.user:.1f} | {noted.system:.1f} | {noted.faults / 1000:.0f} | "
            f"{sum(noted.passes.values())} | {alone:.1f} | {factor} | {noted.seconds - alone:.1f} |"
        )
    return "\n".join(lines)


def kinds_table(recorder: Recorder, a_pass: Mapping[Pass, float], most: int) -> str:
    """The kinds of passes that take longest in all."""
    kinds: Counter[Pass] = sum((noted.passes for noted in recorder.stages.values()), Counter())
    longest = sorted(kinds, key=lambda one: -a_pass[one] * kinds[one])[:most]
    lines = ["| pass | times | ms a pass | seconds in all |", "| --- | ---: | ---: | ---: |"]
    for one in longest:
        lines.append(f"| {one.words} | {kinds[one]} | {1000 * a_pass[one]:.1f} | {a_pass[one] * kinds[one]:.1f} |")
    return "\n".join(lines)


def configured(options: argparse.Namespace, scratch: Path) -> Any:
    """The configuration to audit; the demonstration's pictures are drawn beforehand."""
    if options.config != "demo":
        return module("auditor.core.config", "auditor.config").read_config(Path(options.config))
    bundle = module("auditor.inputs.world.bundle", "auditor.worlds.bundle")
    kitchen = module("auditor.inputs.world.kitchen", "auditor.worlds.kitchen")
    silence = module("auditor.core.progress", "auditor.progress").Silence()
    pictures = scratch / f"{options.world}-world"
    config = bundle.demo_config(options.world, pictures)
    kitchen.write_world(pictures, options.world, bundle.demo_counts(), config.seed, silence)
    return config


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="a TOML file, or 'demo' for the built-in world")
    parser.add_argument("--world", choices=WORLDS, default=WORLDS[0])
    parser.add_argument("--out", type=Path, help="keep the run below this folder, which must not hold one")
    parser.add_argument("--kinds", type=int, default=8, help="kinds of passes to list")
    parser.add_argument("--no-replay", action="store_true", help="only what the stages take")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch)
        config = configured(options, folder)
        audit = module("auditor.run.audit", "auditor.run").audit
        with recording() as recorder:
            result = audit(config, folder / "run")
        where = Path(sys.modules["auditor"].__file__ or "").parent
        print(f"{options.config}: {result.result.verdict}, by {where}; {torch.get_num_threads()} threads\n")
        kinds: Counter[Pass] = sum((noted.passes for noted in recorder.stages.values()), Counter())
        a_pass = dict.fromkeys(kinds, 0.0) if options.no_replay else replay(recorder.cut, kinds)
        print(table(recorder, a_pass))
        print()
        print(kinds_table(recorder, a_pass, options.kinds))


if __name__ == "__main__":
    main()
