"""The JSON API in the page's server. ``openapi.json`` beside this file describes it."""

import asyncio
import json
from pathlib import Path
from typing import Any

from wholesale.app.server.answers import Refused, answer, fault, segments
from wholesale.app.server.handler import Api, Posted
from wholesale.app.server.scores import AT_A_TIME, Score
from wholesale.predict import Predictor

LIMIT = 1_000_000
"""Bytes that a body may have."""

READ_AT_MOST = 20 * LIMIT
"""Bytes read and dropped of a body that is too large: who sends it all before reading gets the reason."""

DESCRIPTION = Path(__file__).with_name("openapi.json")


def handlers(predictor: Predictor) -> list:
    """List the API's addresses for Tornado."""
    return [
        (r"/api/predict", Predict, {"predictor": predictor}),
        (r"/api/score", Score, {"predictor": predictor, "room": asyncio.Semaphore(AT_A_TIME)}),
        (r"/api/segments", Segments, {"predictor": predictor}),
        (r"/api/health", Health, {"predictor": predictor}),
        (r"/api/openapi\.json", Description, {"predictor": predictor}),
    ]


def elsewhere(predictor: Predictor) -> tuple:
    """Give the rule for all other addresses under ``/api``; it goes after Jupyter's own."""
    return (r"/api(?:/.*)?", Nothing, {"predictor": predictor})


class Health(Api):
    """``GET /api/health``: whether the server answers, and with which models."""

    def get(self) -> None:
        """Send the models' date and extent."""
        manifest = self.predictor.manifest
        state = {"status": "ok", "trained": manifest["trained"], "customers": manifest["customers"]}
        self.reply(json.dumps(state | {"segments": self.predictor.n_segments}))

    head = get


class Segments(Api):
    """``GET /api/segments``: what the segments are called, and what is typical of them."""

    def get(self) -> None:
        """Send each model's segments."""
        self.reply(json.dumps(segments(self.predictor), allow_nan=False))

    head = get


class Description(Api):
    """``GET /api/openapi.json``: this API, for machines."""

    def get(self) -> None:
        """Send the description."""
        self.reply(DESCRIPTION.read_text(encoding="utf-8"))

    head = get


class Nothing(Api):
    """All other addresses under ``/api``."""

    async def prepare(self, **_: Any) -> None:
        """Say where the addresses are listed, whatever the method."""
        await super().prepare()
        if not self._finished:
            self.refuse(Refused(404, fault("there is nothing at this address; see /api/openapi.json")))


class Predict(Posted):
    """``POST /api/predict``: the page's answer for one customer or for many."""

    kinds, limit, read_at_most = ("application/json",), LIMIT, READ_AT_MOST

    async def post(self) -> None:
        """Answer, in another thread so that the page's visitors need not wait."""
        if error := self.fault_of_body():
            self.refuse(error)
            return
        self.body.seek(0)
        loop = asyncio.get_running_loop()
        self.reply(*await loop.run_in_executor(None, _answer, self.predictor, self.body.read()))


def _answer(predictor: Predictor, body: bytes) -> tuple[str, int]:
    try:
        content = answer(predictor, body)
    except Refused as error:
        return json.dumps({"errors": error.faults}), error.status
    if "customers" not in content:
        return json.dumps(content, allow_nan=False), 200
    # Written one by one: in a single call no other thread would get a turn for a tenth of a second.
    several = ", ".join(json.dumps(one, allow_nan=False) for one in content["customers"])
    return f'{{"customers": [{several}]}}', 200
