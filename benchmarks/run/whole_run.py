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
model counts with the first stage. Beside seconds on the clock stand those of the processor over all threads (of which
the system's own, mostly page faults, stand alone too): on a machine where others are at work they change far less, and
so does the second factor, which is of them. The networks' passes are timed in rounds of a few, spread over the kinds of
passes, and of the rounds the quieter half counts.
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
from dataclasses import dataclass, field, replace
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

END = "afterwards"


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
            batch = _tensor(arguments[-1])
            tangent = forward_ad._current_level >= 0 and unpack_dual(batch)[1] is not None
            self._inside = True
            try:
                output = original(cut, *arguments)
            finally:
                self._inside = False
            lies = batch.is_contiguous(memory_format=torch.channels_last) and not batch.is_contiguous()
            answer = _tensor(output)
            graph = isinstance(answer, Tensor) and answer.requires_grad
            self._made.append(Made(part, tuple(batch.shape), lies, tangent, graph))
            if graph:
                answer.register_hook(self._made[-1].went_back)
            if part != "whole":
                self.cut = cut
            return output

        setattr(owner, name, noting)


def _tensor(batch: Any) -> Any:
    """Features' grid, pictures and logits as they are."""
    return getattr(batch, "grid", batch)


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


@dataclass(frozen=True)
class Cost:
    """Seconds of one pass, on the clock and of the processor."""

    clock: float
    processor: float


def replay(cut: Any, kinds: Counter[Pass]) -> dict[Pass, Cost]:
    """What a pass of each kind takes on a ready batch."""
    classifier = cut.classifier
    classifier.normalise = lambda images: images  # ready batches are normalised
    works = {one: _work(cut, one) for one in sorted(kinds)}
    taken: dict[Pass, list[Cost]] = {one: [] for one in works}
    for turn in range(ROUNDS + 1):
        for one, work in works.items():
            passes = min(A_ROUND, kinds[one])
            started = time.perf_counter(), time.process_time()
            for _ in range(passes):
                work()
            if classifier.device.type == "cuda":
                torch.cuda.synchronize(classifier.device)
            if turn:
                clock, processor = time.perf_counter() - started[0], time.process_time() - started[1]
                taken[one].append(Cost(clock / passes, processor / passes))
    del classifier.normalise
    return {
        one: Cost(_quieter([cost.clock for cost in costs]), _quieter([cost.processor for cost in costs]))
        for one, costs in taken.items()
    }


def _tail(cut: Any) -> Callable[[Tensor], Tensor]:
    """From a grid to logits; what stands beside the grid is that of a black picture. Older cuts take the grid alone."""
    one = cut.features(cut.classifier.black())
    if isinstance(one, Tensor):
        older: Callable[[Tensor], Tensor] = cut.logits
        return older

    def tail(grid: Tensor) -> Tensor:
        beside = tuple(each.detach().expand(len(grid), *each.shape[1:]) for each in one.beside)
        logits: Tensor = cut.logits(replace(one, grid=grid, beside=beside))
        return logits

    return tail


def _quieter(seconds: list[float]) -> float:
    return statistics.mean(sorted(seconds)[: (len(seconds) + 1) // 2])


def _work(cut: Any, one: Pass) -> Callable[[], object]:
    ready = torch.rand(one.shape, device=cut.classifier.device)
    if one.channels_last:
        ready = ready.to(memory_format=torch.channels_last)
    whole = getattr(cut.classifier, whole_pass(type(cut.classifier)))
    run = {"whole": whole, "head": lambda pictures: _tensor(cut.features(pictures)), "tail": _tail(cut)}[one.part]
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


def table(recorder: Recorder, a_pass: Mapping[Pass, Cost]) -> str:
    """One row a stage in Markdown, and the whole below."""
    whole = Noted()
    for noted in recorder.stages.values():
        whole.seconds += noted.seconds
        whole.user += noted.user
        whole.system += noted.system
        whole.faults += noted.faults
        whole.passes += noted.passes
    lines = [
        "| stage | seconds | network | factor | processor s | of the system | network | factor | the rest | passes |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for stage, noted in (*recorder.stages.items(), ("whole", whole)):
        clock = sum(a_pass[one].clock * count for one, count in noted.passes.items())
        processor = sum(a_pass[one].processor * count for one, count in noted.passes.items())
        used = noted.user + noted.system
        lines.append(
            f"| {stage} | {noted.seconds:.1f} | {clock:.1f} | {_factor(noted.seconds, clock)} | {used:.1f} | "
            f"{noted.system:.1f} | {processor:.1f} | {_factor(used, processor)} | {used - processor:.1f} | "
            f"{sum(noted.passes.values())} |"
        )
    return "\n".join(lines)


def _factor(whole: float, network: float) -> str:
    return f"{whole / network:.2f}" if network > 0.02 * whole else "—"


def kinds_table(recorder: Recorder, a_pass: Mapping[Pass, Cost], most: int) -> str:
    """The kinds of passes that take longest in all."""
    kinds: Counter[Pass] = sum((noted.passes for noted in recorder.stages.values()), Counter())
    longest = sorted(kinds, key=lambda one: -a_pass[one].processor * kinds[one])[:most]
    lines = ["| pass | times | ms a pass | processor s in all |", "| --- | ---: | ---: | ---: |"]
    for one in longest:
        cost = a_pass[one]
        lines.append(f"| {one.words} | {kinds[one]} | {1000 * cost.clock:.1f} | {cost.processor * kinds[one]:.1f} |")
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
        a_pass = dict.fromkeys(kinds, Cost(0.0, 0.0)) if options.no_replay else replay(recorder.cut, kinds)
        print(table(recorder, a_pass))
        print()
        print(kinds_table(recorder, a_pass, options.kinds))


if __name__ == "__main__":
    main()
