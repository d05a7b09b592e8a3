"""Names of weights as wrappers and training scripts leave them, against the network's own."""

from __future__ import annotations

import pytest

from auditor.inputs.model.weight_names import own_names

OWN = ("features.0.weight", "features.1.num_batches_tracked", "head.weight", "head.bias")
STATE = {name: number for number, name in enumerate(OWN)}


def renamed(*changes: tuple[str, str]) -> dict[str, int]:
    state = dict(STATE)
    for old, new in changes:
        state = {name.replace(old, new): value for name, value in state.items()}
    return state


@pytest.mark.parametrize(
    "state",
    [
        {f"module.{name}": value for name, value in STATE.items()},
        {f"model.{name}": value for name, value in STATE.items()},
        {f"net.backbone.{name}": value for name, value in STATE.items()},
        {f"_forward_module.model.module.{name}": value for name, value in STATE.items()},
        {f"model._orig_mod.{name}": value for name, value in STATE.items()},
        renamed(("features.", "features.module.")),  # DataParallel around a part
        renamed(("features.0", "features._checkpoint_wrapped_module.0"), ("head.", "head._fsdp_wrapped_module.")),
        STATE,
    ],
)
def test_the_networks_own_names_are_found_behind_any_wrapper(state: dict[str, int]) -> None:
    assert own_names(state, OWN) == (STATE, "")


def test_what_is_not_the_networks_is_left_out_and_said() -> None:
    state = {f"model.{name}": value for name, value in STATE.items()}
    state |= {"criterion.weight": 9, "metric.0": 9, "metric.1": 9, "metric.2": 9}
    found, said = own_names(state, OWN)
    assert found == STATE
    assert said == (
        "weights are those under 'model.'; 4 tensors beside them left out: criterion.weight, metric.0, metric.1 "
        "and 1 more"
    )


def test_the_first_of_several_sets_is_used_and_said() -> None:
    state = {f"model.{name}": value for name, value in STATE.items()}
    state |= {f"ema.module.{name}": value + 100 for name, value in STATE.items()}
    found, said = own_names(state, OWN)
    assert found == STATE
    assert said == "weights are held several times: those under 'model.' are used, not those under 'ema.module.'"


@pytest.mark.parametrize(
    "state",
    [
        {"model.features.0.weight": 0},  # not all of them
        {"other": 1},
        {"a.head.bias": 1, "a.head.weight": 1, "b.features.0.weight": 1},  # under different names
        STATE | {"extra": 1},  # its own names fit: what is beside them is for the strict loader to refuse
    ],
)
def test_what_fits_no_way_stays_as_it_came(state: dict[str, int]) -> None:
    assert own_names(state, OWN) == (state, "")


def test_a_network_that_has_a_module_called_module_keeps_it() -> None:
    own = ("module.weight", "head.weight")
    state = {f"model.{name}": name for name in own}
    assert own_names(state, own) == ({name: name for name in own}, "")
