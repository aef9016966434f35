"""Whatever people send, a real browser plays what we make of it, from the real storage: seen, heard and searched."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app.storage.client import Storage
from tests.workers.media.recordings import CASES, CORNERS, PREVIEWS, SOUNDS, Studio
from workers.media.tools import Tools

pytestmark = pytest.mark.browser
LIFE = timedelta(minutes=5)
MUTE = {"no sound", "silence"}
LOOK = """
async ({url, kind, corner}) => {
  const media = document.createElement(kind);
  const next = name => new Promise((done, fail) => {
    media.addEventListener(name, done, {once: true});
    media.addEventListener('error', () => fail(new Error(media.error.message)), {once: true});
  });
  const points = () => {
    if (kind === 'audio') return null;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [media.videoWidth, media.videoHeight];
    canvas.getContext('2d').drawImage(media, 0, 0);
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  };
  const point = (image, [row, column]) => {
    const [y, x] = [row < 0 ? image.height - 3 : 2, column < 0 ? image.width - 3 : 2];
    return [...image.data.slice(4 * (y * image.width + x), 4 * (y * image.width + x) + 3)];
  };
  Object.assign(media, {preload: 'auto', volume: 0.01});
  document.body.append(media);
  let waited = next('canplaythrough');
  media.src = url;
  await waited;
  const first = points();
  const found = {seconds: media.duration, size: [media.videoWidth ?? 0, media.videoHeight ?? 0]};
  if (corner) found.corner = point(first, corner);
  waited = next('seeked');
  media.currentTime = 0.7 * media.duration;
  await waited;
  found.sought = media.currentTime / media.duration;
  found.moved = kind === 'audio' || points().data.some((value, index) => Math.abs(value - first.data[index]) > 24);
  waited = next('seeked');
  media.currentTime = 0;
  await waited;
  await media.play();
  while (media.currentTime < 0.3 && !media.ended) await next('timeupdate');
  media.pause();
  found.decoded = [media.webkitVideoDecodedByteCount > 0, media.webkitAudioDecodedByteCount > 0];
  const bytes = await (await fetch(url)).arrayBuffer();
  found.peak = 0;
  if (found.decoded[1]) {
    const heard = await new OfflineAudioContext(2, 1, 48000).decodeAudioData(bytes);
    found.heard = heard.duration;
    for (let channel = 0; channel < heard.numberOfChannels; channel++)
      found.peak = Math.max(found.peak, heard.getChannelData(channel).reduce((most, it) => Math.max(most, it), 0));
  }
  media.remove();
  return found;
}
"""


@dataclass(frozen=True)
class Expected:
    """What a browser must find."""

    file: Path
    kind: str = "video"
    size: tuple[int, int] = (160, 120)
    seconds: float = 2
    sound: bool = True
    loud: bool = True
    corner: tuple[int, int] | None = None


def everything(studio: Studio, tools: Tools) -> Iterator[tuple[str, Expected]]:
    """Name all that we show of the set."""
    for name, case in CASES.items():
        shown = studio.video(name).file
        yield name, Expected(shown, "video", case.becomes, case.seconds, case.sound, name not in MUTE)
    if not tools.binaries.cannot_read:
        yield "av1", Expected(studio.video("av1").file, seconds=1)
    for name in SOUNDS:
        yield f"sound: {name}", Expected(studio.sound(name).file, "audio", (0, 0))
    for degrees, corner in CORNERS.items():
        size = (160, 120) if degrees == "180" else (120, 160)
        yield f"turned by {degrees}", Expected(studio.turned(degrees).file, size=size, seconds=1, corner=corner)
    for name in PREVIEWS:
        if copy := studio.preview(name)[1]:
            yield f"preview: {name}", Expected(copy)
    short = studio.shown(studio.cut(0.97))
    yield "a little cut off", Expected(short.file, seconds=short.length_ms / 1000)


@pytest.fixture
def page(chromium: Browser, stored: Storage) -> Iterator[Page]:
    """An empty page from the storage itself, which may look at every point of what it shows."""
    stored.put_bytes("plays/page", b"<!doctype html>", media_type="text/html")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(stored.sign_get("plays/page", life=LIFE))
    yield page
    context.close()


def test_a_browser_plays_all_that_becomes_of_the_set(studio: Studio, tools: Tools, stored: Storage, page: Page) -> None:
    wanted = dict(everything(studio, tools))
    asked = []
    for number, (name, expected) in enumerate(wanted.items()):
        key = f"plays/{number}{expected.file.suffix}"
        media_type = f"{expected.kind}/{expected.file.suffix[1:].replace('m4a', 'mp4')}"
        stored.put_file(key, expected.file, media_type=media_type)
        asked.append({**asdict(expected), "file": name, "url": stored.sign_get(key, life=LIFE)})
    found = page.evaluate(f"all => Promise.all(all.map(each => ({LOOK})(each).catch(String)))", asked)
    seen = dict(zip(wanted, found, strict=True))
    assert {name: said for name, said in seen.items() if isinstance(said, str)} == {}
    for name, expected in wanted.items():
        must_be_right(name, expected, seen[name])


def must_be_right(name: str, expected: Expected, seen: dict[str, object]) -> None:
    assert seen["seconds"] == pytest.approx(expected.seconds, abs=0.15), name
    assert tuple(seen["size"]) == expected.size, name
    assert seen["sought"] == pytest.approx(0.7, abs=0.01), name
    assert seen["moved"], name
    assert seen["decoded"] == [expected.kind == "video", expected.sound], name
    assert (float(seen["peak"]) > 0.05) is expected.loud, (name, seen)
    if expected.sound:
        assert seen["heard"] == pytest.approx(expected.seconds, abs=0.15), name
    if expected.corner:
        red, green, _ = seen["corner"]
        assert red > 180, (name, seen)
        assert green < 60, (name, seen)
