"""A team's policy as a file: what ships, and what is refused in one sentence."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from auditor.core.errors import ConfigError
from auditor.core.hashing import sha256_of
from auditor.core.policy import ITEMS, Policy
from auditor.core.policy_file import default_policy, default_policy_text, policy_of, read_policy

WAIVER = '[[waivers]]\nitem = "search"\nby = "Ada"\nreason = "none"\nuntil = 2027-03-31\n'


def test_what_ships_says_the_same_as_the_defaults_and_names_every_item() -> None:
    shipped = default_policy()
    assert shipped.policy == Policy(title=shipped.policy.title)
    assert shipped.sha256 == sha256_of(default_policy_text().encode())
    for item in ITEMS:
        assert f"\n[{item}] " in default_policy_text()


def test_a_policy_is_known_by_the_sha256_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "team.toml"
    file.write_text(WAIVER)
    held = read_policy(file, date(2026, 1, 1))
    assert (held.file, held.sha256, held.on) == ("team.toml", sha256_of(WAIVER.encode()), date(2026, 1, 1))
    (waiver,) = held.policy.waivers
    assert (waiver.item, waiver.by, waiver.until) == ("search", "Ada", date(2027, 3, 31))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[fragilty]\nat_most = 0.1", "unknown key 'fragilty'; did you mean 'fragility'?"),
        ("[uplift]\nat_least = 0.1", "unknown key 'uplift.at_least'; did you mean 'at_most'?"),
        ("[fragility]\ndecides = false", "unknown key 'fragility.decides'; known here: at_most"),
        ("[fragility]\nat_most = 25", "fragility.at_most: Input should be less than 1, got 25"),
        ("[eligible]\nat_least = 0", "eligible.at_least: Input should be greater than or equal to 1, got 0"),
        ("[skipped]\nat_most = nan", "skipped.at_most: Input should be a finite number"),
        ("[looks]\nat_most = true", "looks.at_most: true and false do not serve here"),
        ('fail_on = "never"', "fail_on: Input should be 'fail' or 'open', got 'never'"),
        (WAIVER.replace("search", "serch"), "waivers.0.item: a waiver names an item of the policy; the nearest is"),
        (WAIVER.replace('"none"', '" "'), "waivers.0.reason: must not be empty"),
        (WAIVER.replace("2027-03-31", '"2027-02-30"'), "waivers.0.until: expected a day such as 2027-03-31"),
        (WAIVER.replace("2027-03-31", "2027-03-31T10:00:00"), "waivers.0.until: expected a day such as 2027-03-31"),
        (WAIVER.replace("2027-03-31", "1"), "waivers.0.until: expected a day such as 2027-03-31, got 1"),
        (WAIVER.replace("until = 2027-03-31\n", ""), "'waivers.0.until' is missing"),
        (WAIVER + 'patch = "abcdef012345"\n', "patch goes with the item 'uplift' alone, got 'search'"),
        (WAIVER.replace("search", "uplift") + 'patch = "XYZ"\n', "waivers.0.patch: String should match pattern"),
        (WAIVER + WAIVER, "two waivers of 'search'; keep one"),
        (WAIVER + "why = 1\n", "unknown key 'waivers.0.why'; "),
        ("uplift = 3", "uplift: Input should be a table, with keys of its own, got 3"),
        ("[uplift", "is not valid TOML"),
        ("\xff", "is not valid TOML"),
    ],
)
def test_what_is_no_policy_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        policy_of(text.encode(), "team.toml", "team.toml")
    assert said in str(refused.value)
    assert "team.toml" in str(refused.value)


def test_a_policy_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="auditor policy"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_policy(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"bytes\.toml cannot be read as text"):
        read_policy(tmp_path / "bytes.toml")
