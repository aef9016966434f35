"""Whisper weights in CTranslate2's file format (version 6) turned into an openai-whisper checkpoint.

The numbers are the same; names, order and the fused query/key/value matrices differ. Checked on 15
recordings: openai-whisper on the converted weights and CTranslate2 on the source gave the same 15 texts.
"""

import re
import struct
from dataclasses import dataclass
from math import prod

import torch

VERSION = 6
DTYPES = {0: torch.float32, 1: torch.int8, 2: torch.int16, 3: torch.int32, 4: torch.float16}
HEAD_WIDTH = 64  # the same in every Whisper size

State = dict[str, torch.Tensor]


class NotWhisper(Exception):
    """The bytes are no CTranslate2 Whisper model of the version that is read here."""


@dataclass(slots=True)
class _Reader:
    """A cursor over the file. Little-endian; a string is a length (with its NUL) and bytes."""

    data: bytes
    at: int = 0

    def number(self, code: str) -> int:
        value: int = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    def string(self) -> str:
        length = self.number("H")
        text = self.data[self.at : self.at + length - 1].decode()
        self.at += length
        return text

    def tensor(self) -> torch.Tensor:
        shape = [self.number("I") for _ in range(self.number("B"))]
        dtype = DTYPES[self.number("B")]
        size, start = self.number("I"), self.at
        self.at += size
        if size != prod(shape) * dtype.itemsize:
            raise NotWhisper(f"a variable of {size} bytes can't have the shape {shape}")
        # bytearray: torch wants memory that it may write to.
        return torch.frombuffer(bytearray(self.data[start : self.at]), dtype=dtype).reshape(shape)


def read_variables(data: bytes) -> State:
    """Read every variable of a model file, aliases resolved. Raises NotWhisper."""
    reader = _Reader(data)
    if (version := reader.number("I")) != VERSION:
        raise NotWhisper(f"version {version}, not {VERSION}")
    if (kind := reader.string()) != "WhisperSpec":
        raise NotWhisper(f"a {kind}, not a WhisperSpec")
    reader.number("I")  # the revision of the specification
    variables = {}
    for _ in range(reader.number("I")):
        name = reader.string()
        variables[name] = reader.tensor()
    for _ in range(reader.number("I")):
        alias = reader.string()
        variables[alias] = variables[reader.string()]
    return variables


def to_checkpoint(data: bytes) -> dict[str, object]:
    """Return `{"dims", "model_state_dict"}` as `whisper.load_model(path)` reads it. Raises NotWhisper."""
    source = read_variables(data)
    state = _ends(source)
    for side in ("encoder", "decoder"):
        for layer in range(_layers(source, side)):
            state |= _block(source, side, layer)
    return {"dims": _dims(source), "model_state_dict": state}


def _layers(source: State, side: str) -> int:
    names = (re.match(rf"{side}/(layer_\d+)/", name) for name in source)
    return len({match[1] for match in names if match})


def _dims(source: State) -> dict[str, int]:
    vocabulary, width = source["decoder/embeddings/weight"].shape
    return {
        "n_mels": source["encoder/conv1/weight"].shape[1],
        "n_audio_ctx": source["encoder/position_encodings/encodings"].shape[0],
        "n_audio_state": width,
        "n_audio_head": width // HEAD_WIDTH,
        "n_audio_layer": _layers(source, "encoder"),
        "n_vocab": vocabulary,
        "n_text_ctx": source["decoder/position_encodings/encodings"].shape[0],
        "n_text_state": width,
        "n_text_head": width // HEAD_WIDTH,
        "n_text_layer": _layers(source, "decoder"),
    }


def _ends(source: State) -> State:
    state = {
        "encoder.positional_embedding": source["encoder/position_encodings/encodings"],
        "decoder.positional_embedding": source["decoder/position_encodings/encodings"],
        "decoder.token_embedding.weight": source["decoder/embeddings/weight"],
    }
    for number in (1, 2):
        state |= _linear(source, f"encoder/conv{number}", f"encoder.conv{number}")
    state |= _norm(source, "encoder/layer_norm", "encoder.ln_post")
    return state | _norm(source, "decoder/layer_norm", "decoder.ln")


def _block(source: State, side: str, layer: int) -> State:
    old, new = f"{side}/layer_{layer}", f"{side}.blocks.{layer}"
    state = _attention(source, f"{old}/self_attention", f"{new}.attn", ("query", "key", "value"))
    if side == "decoder":
        state |= _linear(source, f"{old}/attention/linear_0", f"{new}.cross_attn.query")
        state |= _fused(source, f"{old}/attention/linear_1", f"{new}.cross_attn", ("key", "value"))
        state |= _linear(source, f"{old}/attention/linear_2", f"{new}.cross_attn.out")
        state |= _norm(source, f"{old}/attention/layer_norm", f"{new}.cross_attn_ln")
    state |= _linear(source, f"{old}/ffn/linear_0", f"{new}.mlp.0")
    state |= _linear(source, f"{old}/ffn/linear_1", f"{new}.mlp.2")
    return state | _norm(source, f"{old}/ffn/layer_norm", f"{new}.mlp_ln")


def _attention(source: State, old: str, new: str, parts: tuple[str, ...]) -> State:
    state = _fused(source, f"{old}/linear_0", new, parts) | _linear(source, f"{old}/linear_1", f"{new}.out")
    return state | _norm(source, f"{old}/layer_norm", f"{new}_ln")


def _linear(source: State, old: str, new: str) -> State:
    return {f"{new}.weight": source[f"{old}/weight"], f"{new}.bias": source[f"{old}/bias"]}


def _norm(source: State, old: str, new: str) -> State:
    return {f"{new}.weight": source[f"{old}/gamma"], f"{new}.bias": source[f"{old}/beta"]}


def _fused(source: State, old: str, new: str, parts: tuple[str, ...]) -> State:
    """Cut stacked matrices apart. Whisper's keys have no bias: it must be zero here and is left out."""
    weights = source[f"{old}/weight"].chunk(len(parts))
    biases = source[f"{old}/bias"].chunk(len(parts))
    state = {}
    for part, weight, bias in zip(parts, weights, biases, strict=True):
        state[f"{new}.{part}.weight"] = weight.clone()
        if part != "key":
            state[f"{new}.{part}.bias"] = bias.clone()
        elif bias.count_nonzero():
            raise NotWhisper(f"{old} has a key bias")
    return state
