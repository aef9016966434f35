// What belongs to one piece of evidence: transcript, peaks, text. Fetched once, when it is first opened.

async function fetched(path, read) {
  const answer = await fetch(path);
  return answer.ok ? read(answer) : null;
}

const asJson = (answer) => answer.json();
const asText = (answer) => answer.text();

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

  async #read(piece) {
    const base = `/api/v1/evidence/${piece.id}`;
    const has = (kind) => piece.has.includes(kind);
    if (this.isText(piece.id)) {
      const text = await fetched(`${base}/text`, asText);
      this.texts.set(piece.id, (text ?? "").replaceAll("\r\n", "\n"));
      return { text: this.texts.get(piece.id), transcript: null, peaks: [] };
    }
    const [transcript, wave] = await Promise.all([
      has("transcript") ? fetched(`${base}/transcript`, asJson) : null,
      has("waveform") ? fetched(`${base}/waveform`, asJson) : null,
    ]);
    return { text: null, transcript, peaks: wave?.peaks ?? [] };
  }
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
