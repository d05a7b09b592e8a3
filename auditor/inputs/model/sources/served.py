"""A classifier behind an address: pictures go out as PNGs, probabilities or logits come back. A black box.

One POST a batch, its body a JSON object {"images": [PNG in base64, …]}; the answer is {"outputs": [[…], …]}, a row a
picture in their order and a number a class. The pictures are sent as they are prepared, RGB of 8 bits a channel, so
[preprocessing] has mean 0 and std 1: whoever serves normalises.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import time
import urllib.error
import urllib.request

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from auditor.core.errors import ModelError
from auditor.inputs.model.sources.black_box import BlackBox
from auditor.inputs.model.sources.protocol import BuiltNetwork, ModelSource, NetworkRequest, WeightsRule

SECONDS_A_TRY = 120.0
PAUSES = (0.5, 2.0, 8.0)
"""Seconds between one try and the next; after the last one the address is given up."""

_SCHEMES = ("http://", "https://")
_MOST_ANSWER_BYTES = 2**28
_TRY_LATER = (408, 425, 429)
_BUSY = (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException)
"""What a service raises that is not there, or has too much to do; a refusal is an `HTTPError`, which is one of them."""


class Served:
    """Asks an address for its answer."""

    def __init__(self, address: str, pauses: tuple[float, ...] = PAUSES) -> None:
        self._address, self._pauses = address, pauses

    def __call__(self, images: NDArray[np.float32]) -> object:
        """The answer's rows for (B, 3, H, W) pictures in [0, 1].

        Raises:
            ModelError: numbers outside [0, 1]; nobody answers, after all tries; or the answer is none.
        """
        if images.size and not (float(images.min()) >= -1e-3 and float(images.max()) <= 1.001):
            raise ModelError(
                f"{self._address} is sent plain pictures; give [preprocessing] mean = [0.0, 0.0, 0.0] and "
                "std = [1.0, 1.0, 1.0], and let the service normalise"
            )
        body = json.dumps({"images": [_png(image) for image in images]}).encode()
        request = urllib.request.Request(  # noqa: S310 - the scheme is one of `_SCHEMES`
            self._address, body, {"Content-Type": "application/json"}, method="POST"
        )
        return self._rows(self._asked(request))

    def _asked(self, request: urllib.request.Request) -> bytes:
        """The answer's bytes, after as many tries as it takes: a refusal is final, a busy or absent service is not."""
        for pause in self._pauses:
            try:
                return self._once(request)
            except _BUSY:
                time.sleep(pause)
        try:
            return self._once(request)
        except _BUSY as error:
            tries = 1 + len(self._pauses)
            raise ModelError(f"{self._address} did not answer in {tries} tries ({error}); is it running?") from error

    def _once(self, request: urllib.request.Request) -> bytes:
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_A_TRY) as answer:  # noqa: S310
                data: bytes = answer.read(_MOST_ANSWER_BYTES)
                return data
        except urllib.error.HTTPError as error:
            if error.code in _TRY_LATER or error.code >= 500:
                raise
            told = f"{error.code} {error.reason}"
            raise ModelError(f"{self._address} refused a batch of pictures: {told}") from error

    def _rows(self, data: bytes) -> object:
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{self._address} answered with something that is no JSON") from error
        rows = answer.get("outputs") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise ModelError(f'{self._address} must answer with {{"outputs": [[…], …]}}, a row of numbers a picture')
        return rows


def _png(image: NDArray[np.float32]) -> str:
    pixels = np.rint(image.transpose(1, 2, 0) * 255.0).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _build(request: NetworkRequest) -> BuiltNetwork:
    note = f"{request.name} is asked over the network; what answers there is known by nothing but its answers"
    return BuiltNetwork(BlackBox(Served(request.name), request.name), notes=(note,))


SERVED = ModelSource(
    label="a service",
    spelling="an address such as 'http://127.0.0.1:8000/predict'",
    matches=lambda name: name.lower().startswith(_SCHEMES),
    build=_build,
    weights=WeightsRule.REFUSED,
    keys=frozenset(),
)
