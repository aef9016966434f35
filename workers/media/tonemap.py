"""Pictures with a high dynamic range, or more colours than a usual screen has, brought to BT.709.

One table (a .cube file for ffmpeg's `lut3d`) does all of it. So the result is the same with every ffmpeg: `zscale`,
which others use for this, is missing from many builds. It works in light of the screen, in nits: decode (SMPTE
ST 2084 or ARIB STD-B67), press what is brighter than white together, turn the primaries, encode for a usual screen.
"""

from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float64]

STEPS = 33  # points of the table for each colour; both curves are even for the eye, so that is enough
WHITE_NITS = 203.0  # what a page is in a bright picture, ITU-R BT.2408
PEAK_NITS = 1_000.0
SCREEN_GAMMA = 2.4  # ITU-R BT.1886
# ITU-R BT.2087: BT.2020 primaries to those of BT.709.
TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])


class Curve(StrEnum):
    """How numbers become light, as ffprobe calls it (`color_transfer`)."""

    PQ = "smpte2084"
    HLG = "arib-std-b67"
    USUAL = "usual"


def write_table(path: Path, curve: Curve) -> Path:
    """Write the table for pictures of this curve with BT.2020 primaries and return its path."""
    axis = np.linspace(0, 1, STEPS)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")  # red runs fastest: the order of .cube files
    shown = to_screen(np.stack([red, green, blue], axis=-1).reshape(-1, 3), curve)
    with path.open("w") as file:
        file.write(f"LUT_3D_SIZE {STEPS}\n")
        np.savetxt(file, shown, fmt="%.5f")
    return path


def to_screen(signal: Light, curve: Curve) -> Light:
    """Return signals of a usual screen (rows of red, green, blue from 0 to 1) for those of the source."""
    light = _light(signal, curve) @ TO_709.T
    bright = light if curve is Curve.USUAL else _pressed(light)
    pressed: Light = np.clip(bright, 0, 1) ** (1 / SCREEN_GAMMA)
    return pressed


def _light(signal: Light, curve: Curve) -> Light:
    """Return light relative to white."""
    if curve is Curve.PQ:
        return _pq(signal) / WHITE_NITS
    if curve is Curve.HLG:
        return _hlg(signal) / WHITE_NITS
    usual: Light = signal**SCREEN_GAMMA
    return usual


def _pq(signal: Light) -> Light:
    """SMPTE ST 2084, in nits."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = signal ** (1 / m2)
    nits: Light = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return nits


def _hlg(signal: Light) -> Light:
    """ARIB STD-B67 on a screen of 1,000 nits, ITU-R BT.2100."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)  # noqa: PLR2004 - where its two parts meet
    luma = np.maximum(scene @ LUMA_2020, 1e-9)[:, np.newaxis]
    nits: Light = PEAK_NITS * scene * luma**0.2
    return nits


def _pressed(light: Light) -> Light:
    """Press light together so that the peak is the screen's white (Reinhard, extended), the hue unchanged."""
    top = np.maximum(light.max(axis=1, keepdims=True), 1e-9)
    peak = PEAK_NITS / WHITE_NITS
    pressed: Light = light * ((1 + top / peak**2) / (1 + top))
    return pressed
