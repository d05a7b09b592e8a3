"""The cut of a folded network: taken where it sees the same at the layer, which a norm folded into it prevents."""

from __future__ import annotations

import torch
from torch import nn

from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.folded_cut import folded_cut
from auditor.inputs.model.folding import fold
from tests.inputs.model.test_folding import Make, Net, at_random


def test_a_folded_network_is_cut_where_it_sees_the_same(make_classifier: Make) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.BatchNorm2d(6)]
    classifier = make_classifier(at_random(Net(*layers, nn.ReLU())))
    folded, norms = fold(classifier)
    assert norms == 2
    pictures = torch.rand(4, 3, 16, 16)
    for layer in ("layers.1", "layers.2", "layers.5"):
        own = LayerCut(classifier, layer)
        faster = folded_cut(own, folded)
        assert faster.classifier is folded
        torch.testing.assert_close(faster.features(pictures).grid, own.features(pictures).grid, rtol=1e-4, atol=1e-5)
    for layer in ("layers.0", "layers.3"):  # its output is the norm's now
        own = LayerCut(classifier, layer)
        assert folded_cut(own, folded) is own
    assert folded_cut(own, classifier) is own
