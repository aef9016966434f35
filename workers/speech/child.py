"""The process that alone holds torch and the model: started by `client.SpeechChild`, never by hand.

It talks over the socket that is its standard input, answers one request at a time, and ends with its parent
or when nobody has asked for a while. Whatever a library prints goes to the log, not between the messages.
"""

import argparse
import logging
import os
import socket
import sys
import traceback
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import torch

from workers.speech import missed, vad
from workers.speech.desk import Desk, OtherPlan, UnknownLanguage
from workers.speech.engines import NotInstalled, Wanted, open_engine
from workers.speech.parent import die_with
from workers.speech.plans import Plan
from workers.speech.wav import BadWav
from workers.speech.weights import NoDevice, NoWeights, device_for
from workers.speech.wire import Closed, Message, Wire

NOT_READY: dict[type[Exception], str] = {
    NoWeights: "no-weights",
    NoDevice: "no-device",
    NotInstalled: "not-installed",
}
REFUSALS: dict[type[Exception], str] = {
    BadWav: "bad-wav",
    UnknownLanguage: "unknown-language",
    OtherPlan: "other-plan",
}


def main() -> int:
    """Load the model, say so, answer until nobody asks any more."""
    asked = _arguments()
    die_with(asked.parent)
    logging.basicConfig(format="%(message)s")
    wire, requests = Wire(socket.socket(fileno=0)), SimpleQueue[Message]()
    Thread(target=_listen, args=(wire, requests), daemon=True).start()
    try:
        device = device_for(asked.device)
        wanted = Wanted(asked.model, asked.folder, not asked.offline, device, asked.threads)
        desk = open_desk(asked.transcriber, wanted)
    except tuple(NOT_READY) as error:
        wire.send(_refusal(NOT_READY[type(error)], error))
        return 1
    wire.send({"ready": os.getpid(), "device": device})
    patience_s = None  # nobody starts a child without a question: it waits for the first one
    while True:
        try:
            request = requests.get(timeout=patience_s)
        except Empty:
            return 0
        wire.send(_answer(desk, request))
        patience_s = asked.idle_s


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--transcriber", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--idle-s", type=float, required=True)
    parser.add_argument("--offline", action="store_true")
    return parser.parse_args()


def _listen(wire: Wire, requests: SimpleQueue[Message]) -> None:
    """Hand requests over; leave at once, in the midst of work, when the parent has gone."""
    try:
        while True:
            requests.put(wire.read())
    except Closed:
        os._exit(0)


def open_desk(transcriber: str, wanted: Wanted) -> Desk:
    """Load the voice finder and the model. Raises NotInstalled, NoWeights."""
    finder = vad.SpeechFinder()
    engine = open_engine(transcriber, wanted, speech_settings={**vad.SETTINGS, "missed": missed.SETTINGS})
    one_thread = partial(torch.set_num_threads, 1)  # each; said again here, as numba takes all when it first compiles
    one_thread()
    return Desk(engine, finder, threads=wanted.threads if wanted.device == "cpu" else 1, ready=one_thread)


def _answer(desk: Desk, request: Message) -> Message:
    """Answer a request. A refusal is an answer, and so is a mistake of ours: the next may go well."""
    try:
        return {"answer": _work(desk, request)}
    except tuple(REFUSALS) as error:
        return _refusal(REFUSALS[type(error)], error)
    except Exception as error:  # noqa: BLE001 - logged whole here, raised again by the client
        traceback.print_exc()
        return _refusal("bug", error)


def _work(desk: Desk, request: Message) -> Message:
    path = Path(request["wav"])
    if request["do"] == "plan":
        return desk.plan(path, language=request["language"]).to_json()
    plan = Plan.from_json(request["plan"])
    return {"chunks": [one.to_json() for one in desk.transcribe(path, plan=plan, indices=request["indices"])]}


def _refusal(kind: str, error: Exception) -> Message:
    return {"refusal": kind, "why": f"{type(error).__name__}: {error}" if kind == "bug" else str(error)}


if __name__ == "__main__":
    sys.exit(main())
