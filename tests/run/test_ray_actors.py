"""Ray on two nodes of this machine: the same results in the same order, whatever is lost on the way."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.core.errors import AuditorError, UnknownNameError, WorkerError
from auditor.core.progress import Silence
from auditor.core.work import Work
from auditor.run.engines import quieten_ray
from auditor.run.folder import RunFolder
from auditor.run.pipeline import forget
from auditor.run.stages.trials import TRIALS
from tests.run.test_engines import Counted, Ten, add, die, fail_at_three, weight

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

    from auditor.run.ray_actors import RayActors

OWN = """
import os, signal
from auditor.core.progress import Silence
from auditor.core.work import Work
from auditor.run.engines import quieten_ray
from auditor.run.folder import RunFolder
from auditor.run.pipeline import forget
from auditor.run.stages.trials import TRIALS
from tests.run.test_engines import Ten, add
quieten_ray()
from auditor.run.ray_actors import RayActors
engine = RayActors(1, "", False, Silence())
folder, handler = engine._link._folder, signal.getsignal(signal.SIGTERM)
results = [result for result, _ in engine.each(Work(Ten, add), [1, 2])]
assert os.path.isdir(folder) and handler is signal.SIG_DFL
engine.close()
print(results, os.path.exists(folder))
"""


def meet(context: Ten, folder: Path) -> bool:
    """Whether another process came to the same folder."""
    (folder / str(context.process)).touch()
    _until(lambda: len(list(folder.iterdir())) > 1)
    return True


def die_once(context: Ten, mark: Path) -> int:
    if not mark.exists():
        mark.touch()
        os._exit(9)
    return context.added


def divide(context: Ten, item: int) -> float:
    return context.added / item


@pytest.fixture(scope="module", autouse=True)
def _environment() -> Iterator[None]:
    """What Ray reads when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", "f" * 64)
        quieten_ray()
        from ray._raylet import Config

        Config.initialize("")  # for the case that Ray was imported before
        yield


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes with one core each."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 10**8}
    head = {"include_dashboard": False, "_system_config": {"worker_niceness": 0}}
    started = Cluster(True, head_node_args={**node, **head})
    started.add_node(**node)
    yield started
    started.shutdown()


@pytest.fixture(scope="module")
def actors(cluster: Cluster) -> Iterator[RayActors]:
    from auditor.run.ray_actors import RayActors

    engine = RayActors(2, cluster.address, False, Counted())
    yield engine
    engine.close()


def workers() -> list[int]:
    """Process ids of the actors that are placed: children of a child of this process."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (entry / "cmdline").read_bytes().startswith(b"ray::Worker") and _parent(_parent(entry)) == Path(
                "/proc", str(os.getpid())
            ):
                found.append(int(entry.name))
        except OSError:  # gone meanwhile
            continue
    return found


def _parent(process: Path) -> Path:
    return Path("/proc", (process / "stat").read_text().rpartition(")")[2].split()[1])


def test_a_ray_of_its_own_says_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """In a process of its own, whose home folder stays empty."""
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", OWN], env=home, capture_output=True, text=True, timeout=240)
    assert (done.stdout, done.stderr) == ("[11, 12] False\n", "")
    assert not list(tmp_path.iterdir())


def test_no_cluster_there_is_one_sentence(world, invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(**_: object) -> None:
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr("ray.init", nowhere)  # the machine may have one
    for address in ("auto", "localhost:1"):
        flags = ("--engine", "ray", "--address", address, "--out", tmp_path / "run")
        refused = invoke("run", world.config, *flags)
        assert refused.exit_code == 2
        assert f"there is no Ray cluster at '{address}'" in refused.stderr
        assert not (tmp_path / "run").exists()


def test_what_ray_does_not_give_is_one_sentence(world, invoke, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ("--engine", "ray", "--out", tmp_path / "run")
    refused = invoke("run", world.config, *flags, "--device", "cuda:1")
    assert (refused.exit_code, "Ray gives each worker a GPU of its own" in refused.stderr) == (2, True)
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "auditor.run.ray_actors", raising=False)
    refused = invoke("run", world.config, *flags)
    assert refused.exit_code == 2
    assert 'needs Ray, which is not installed; pip install "auditor[ray]"' in refused.stderr


def test_the_same_results_in_the_same_order(actors, tmp_path: Path) -> None:
    assert list(actors.each(Work(Ten, meet), [tmp_path] * 2)) == [True, True]
    before = actors._progress.done
    results = list(actors.each(Work(Ten, add, weight), range(40)))
    assert [result for result, _ in results] == [10 + item for item in range(40)]
    assert {process for _, process in results} <= {int(path.name) for path in tmp_path.iterdir()}
    assert actors._progress.done - before == sum(range(40))
    assert list(actors.each(Work(lambda: 1 / 0, add), [])) == []  # nothing to do opens nothing
    within = [(one, list(actors.each(Work(Ten, divide), [one]))) for one, _ in actors.each(Work(Ten, add), range(9))]
    assert within == [(10 + item, [10 / (10 + item)]) for item in range(9)]  # a list inside another


def test_errors_are_said_as_they_were_and_the_actors_go_on(actors) -> None:
    results = actors.each(Work(Ten, fail_at_three), range(9))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(UnknownNameError, match="class 'wock' is not in the model; the nearest is 'wok'"):
        next(results)
    with pytest.raises(ZeroDivisionError):
        list(actors.each(Work(Ten, divide), [5, 0]))
    assert list(actors.each(Work(Ten, divide), [5])) == [2.0]


def test_what_a_lost_actor_was_at_is_done_by_another(actors, tmp_path: Path) -> None:
    marks = [tmp_path / name for name in "abc"]
    assert list(actors.each(Work(Ten, die_once), marks)) == [10, 10, 10]
    assert all(mark.exists() for mark in marks)


def test_work_that_takes_every_actor_with_it_is_given_up(actors) -> None:
    with pytest.raises(WorkerError, match="one piece of work ended 4 workers without a word"):
        list(actors.each(Work(Ten, die), [1]))
    assert issubclass(WorkerError, AuditorError)


def test_a_worker_with_other_packages_is_refused(cluster, actors, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.core.versions import versions
    from auditor.run.ray_actors import RayActors

    there = {**versions(), "torch": "1.0"}
    monkeypatch.setattr("auditor.run.ray_actors.versions", lambda: there)
    refusal = pytest.raises(WorkerError, match=r"would not give the same numbers: torch \S+ for 1\.0 here; install")
    with contextlib.closing(RayActors(1, cluster.address, False, Silence())) as engine, refusal:
        list(engine.each(Work(Ten, add), [1]))


def test_a_run_ends_in_the_same_bytes_whatever_is_killed(
    invoke, finished, own_run: Path, cluster, actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run whose trials are forgotten: first the driver, then a worker of the one that goes on, then a node."""
    monkeypatch.setattr("auditor.run.ray_actors.PLACED_SECONDS", 60)
    actors.close()  # actors of the tests before would keep a core, and with a node gone the last one
    folder, generator = own_run, random.Random()
    forget(RunFolder.open(folder), TRIALS)
    command = ("run", "--resume", folder, "--engine", "ray", "--address", cluster.address, "--workers")
    driver = subprocess.Popen(
        [sys.executable, "-m", "auditor.cli", *command, "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _until(lambda: _blocks(folder) >= generator.randint(1, 5) or driver.poll() is not None)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    measured = _blocks(folder)

    def harm() -> None:
        _until(lambda: len(workers()) == 2)
        time.sleep(generator.uniform(0, 0.5))
        os.kill(generator.choice(workers()), signal.SIGKILL)
        _until(lambda: len(workers()) == 2)
        time.sleep(generator.uniform(0, 0.5))
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

    harming = threading.Thread(target=harm)
    harming.start()
    ended = invoke(*command, "2")
    harming.join()
    assert ended.exit_code == finished[1].exit_code, ended.output
    assert len(cluster.worker_nodes) == 0
    assert measured
    for file in ("findings.json", "trials.parquet", "cells.parquet"):
        assert (folder / file).read_bytes() == (finished[0] / file).read_bytes()
    assert "ray" not in (ended.stdout + ended.stderr).lower().replace(str(folder), "")


def _blocks(folder: Path) -> int:
    return len(list(folder.glob("cache/trials/*.parquet")))


def _until(there: Callable[[], bool], seconds: float = 240) -> None:
    ends = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < ends
        time.sleep(0.02)
