// What belongs to one piece of evidence: transcript, peaks, text. Fetched once, when it is first opened.
import { original } from "../media/paragraphs.js";

/** Fetch a rendition; null when it is not there or can't be reached just now. */
async function fetched(path, read) {
  try {
    const answer = await fetch(path);
    return answer.ok ? await read(answer) : null;
  } catch (error) {
    if (error instanceof TypeError || error.name === "AbortError") return null;
    throw error;
  }
}

const asJson = (answer) => answer.json();

export class EvidenceShelf {
  constructor(pieces) {
    this.pieces = pieces;
    this.loaded = new Map();
    this.texts = new Map();
  }

  get first() {
    return this.pieces[0] ?? null;
  }

  byId(id) {
    return this.pieces.find((each) => each.id === id) ?? null;
  }

  isText(id) {
    const kind = this.byId(id)?.kind;
    return kind === "text" || kind === "document";
  }

  /** The text of a piece that has been read; null for recordings. */
  textOf(id) {
    return this.isText(id) ? (this.texts.get(id) ?? "") : null;
  }

  /** Whether a piece was read, or is being read. */
  has(piece) {
    return this.loaded.has(piece.id);
  }

  read(piece) {
    if (!this.loaded.has(piece.id)) this.loaded.set(piece.id, this.#read(piece));
    return this.loaded.get(piece.id);
  }

  /** Forget what was read of a piece, because there is more now. */
  async again(piece) {
    piece.has = piece.has.map((each) => (each === "transcribing" ? "transcript" : each));
    this.loaded.delete(piece.id);
    return this.read(piece);
  }

  async #read(piece) {
    const base = `/api/v1/evidence/${piece.id}`;
    const has = (kind) => piece.has.includes(kind);
    if (this.isText(piece.id)) {
      const told = await fetched(`${base}/text`, asJson);
      if (told === null) this.loaded.delete(piece.id); // asked for again when it is opened again
      const paragraphs = told?.paragraphs ?? [];
      this.texts.set(piece.id, original(paragraphs));
      return { text: paragraphs, transcript: null, peaks: [] };
    }
    const [transcript, wave] = await Promise.all([
      has("transcript") ? fetched(`${base}/transcript`, asJson) : null,
      has("waveform") ? fetched(`${base}/waveform`, asJson) : null,
    ]);
    if (!transcript && has("transcript")) this.loaded.delete(piece.id);
    return { text: null, transcript, peaks: wave?.peaks ?? [] };
  }
}

/** How far the writing of a transcript is: `{ over, progress }`; null when the site can't be reached just now. */
export async function transcribing(piece) {
  const found = await fetched(`/api/v1/evidence/${piece.id}`, asJson);
  const stage = found?.stages.find((each) => each.name === "transcribe");
  return found && { over: !stage || !["waiting", "running"].includes(stage.state), progress: stage?.progress ?? 0 };
}

/** The range of a span in a shown text; spans count characters, ranges UTF-16 units. Null before there is a text. */
function rangeOf(box, { start_ms, end_ms }) {
  const [start, end] = [placeOf(box, start_ms), placeOf(box, end_ms ?? start_ms)];
  if (!start) return null;
  const range = document.createRange();
  range.setStart(...start);
  range.setEnd(...(end ?? start));
  return range;
}

function placeOf(box, index) {
  const nodes = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  let left = index;
  let last = null;
  while (nodes.nextNode()) {
    const characters = [...nodes.currentNode.data];
    last = [nodes.currentNode, nodes.currentNode.length];
    if (left <= characters.length) return [nodes.currentNode, characters.slice(0, left).join("").length];
    left -= characters.length;
  }
  return last;
}

/** Show which spans of a text are linked or commented, where the browser can paint them without changing the text. */
export function paintSpans(box, spans) {
  if (!globalThis.CSS?.highlights) return;
  CSS.highlights.set("linked", new Highlight(...spans.map((span) => rangeOf(box, span)).filter(Boolean)));
}

/** Select a span of a text and bring it into view. */
export function selectSpan(box, span) {
  const range = rangeOf(box, span);
  if (!range) return;
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  box.scrollTop += range.getBoundingClientRect().top - box.getBoundingClientRect().top - 80;
}

/** The place of a selection in a text, in characters (not UTF-16 units); null when nothing in the box is selected. */
export function selectedSpan(box, selection = getSelection()) {
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!box.contains(range.commonAncestorContainer)) return null;
  const before = document.createRange();
  before.setStart(box, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = [...before.toString()].length;
  return { start, end: start + [...range.toString()].length };
}
