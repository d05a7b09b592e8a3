"""The paper's published counts beside ours: whose number stands where, on files small enough to check by hand."""

from __future__ import annotations

from pathlib import Path

from tools.docs.paper_table import multiplied, of_pair, read_rows, side_by_side

PUBLISHED = """family,source,target,patch,placement,flipped,correct_before,percent_flipped
f,a,b,f-01,fixed,10,40,25.0
f,a,b,f-01,best,30,40,75.0
f,a,b,noise,fixed,2,40,5.0
f,a,b,noise,best,6,40,15.0
g,c,d,noise,fixed,0,40,0.0
g,c,d,noise,best,1,40,2.5
"""
OURS = """source,target,patch,placement,flipped,correct_before,percent_flipped,interval_low,interval_high,\
strongest_control,control_flipped,uplift,uplift_low,uplift_high
a,b,random,fixed,3,20,15,5.2,36,grey,4,-5,-20.25,9
a,b,random,best,9,20,45,25.8,65.8,noise,10,-5,-25,14
a,b,f-01,fixed,1,20,5,0.9,23.6,noise,2,-5,-20,9
"""


def test_both_stand_beside_each_other(tmp_path: Path) -> None:
    for name, text in (("published", PUBLISHED), ("ours", OURS)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    published = read_rows(tmp_path / "published.csv")
    pairs = {pair: of_pair(published, pair) for pair in ("a → b", "c → d")}
    ours = {"N": {key[1:]: row for key, row in read_rows(tmp_path / "ours.csv").items()}}
    assert side_by_side(pairs["a → b"], ours) == [
        "| patch | placement | published: InceptionV1 | N | strongest covering | uplift, points |",
        "| --- | --- | --- | ---: | ---: | ---: |",
        "| f-01 | fixed | 10/40 = 25.0% | 1/20 = 5% (0.9–23.6) | noise: 2 | -5.0 (-20.0 to +9.0) |",
        "| noise | fixed | 2/40 = 5.0% | 3/20 = 15% (5.2–36) | grey: 4 | -5.0 (-20.2 to +9.0) |",
        "| f-01 | best | 30/40 = 75.0% | — | — | — |",
        "| noise | best | 6/40 = 15.0% | 9/20 = 45% (25.8–65.8) | noise: 10 | -5.0 (-25.0 to +14.0) |",
    ]
    # of ours the other patch was not tried at the best place, so nothing is told of it, nor of all coverings
    assert multiplied(pairs, ours)[2:] == [
        "| published, a → b: noise | 2/40 | 6/40 | 3.0 |",
        "| published, a → b: all 1 patches together | 10/40 | 30/40 | 3.0 |",
        "| published, c → d: noise | 0/40 | 1/40 | — |",
        "| ours, N: noise | 3/20 | 9/20 | 3.0 |",
    ]
