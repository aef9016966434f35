// A text in its paragraphs. What a box holds then is the original, sign by sign: spans of judgements are counted in it.

/** Show paragraphs (`{start, end, text, kind, level}`, counted in characters) as what they are: headings, list, table. */
export function showText(box, paragraphs) {
  let at = 0;
  box.replaceChildren();
  for (const { start, end, text, kind, level } of paragraphs) {
    if (start > at) box.append("\n".repeat(start - at)); // line ends fill what is between
    const part = document.createElement("span");
    part.textContent = text;
    if (kind) part.className = `p-${kind}`;
    if (level) part.dataset.level = level;
    box.append(part);
    at = end;
  }
}

/** The text as it was written. */
export function original(paragraphs) {
  let text = "";
  let at = 0;
  for (const { start, end, text: words } of paragraphs) {
    text += "\n".repeat(Math.max(0, start - at)) + words;
    at = end;
  }
  return text;
}
