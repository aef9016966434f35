// What belongs to one piece of evidence: transcript, peaks, text. Fetched once, when it is first opened.

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

// The text rendition holds paragraphs with their places in the original, in characters: put them back where they were.
async function asOriginal(answer) {
  const { paragraphs } = await answer.json();
  let text = "";
  let at = 0;
  for (const { start, end, text: words } of paragraphs) {
    text += "\n".repeat(Math.max(0, start - at)) + words;
    at = end;
  }
  return text;
}

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
      const text = await fetched(`${base}/text`, asOriginal);
      if (text === null) this.loaded.delete(piece.id); // asked for again when it is opened again
      this.texts.set(piece.id, (text ?? "").replaceAll("\r\n", "\n"));
      return { text: this.texts.get(piece.id), transcript: null, peaks: [] };
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

/** The range of a span in a text that stands in one node; spans count characters, ranges UTF-16 units. */
function rangeOf(node, { start_ms, end_ms }) {
  const characters = [...node.data];
  const unit = (index) => characters.slice(0, index).join("").length;
  const range = document.createRange();
  range.setStart(node, unit(start_ms));
  range.setEnd(node, unit(end_ms ?? start_ms));
  return range;
}

/** Show which spans of a text are linked or commented, where the browser can paint them without changing the text. */
export function paintSpans(box, spans) {
  if (!globalThis.CSS?.highlights) return;
  const node = box.firstChild;
  CSS.highlights.set("linked", new Highlight(...(node ? spans.map((span) => rangeOf(node, span)) : [])));
}

/** Select a span of a text and bring it into view. */
export function selectSpan(box, span) {
  const node = box.firstChild;
  if (!node) return;
  const range = rangeOf(node, span);
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
