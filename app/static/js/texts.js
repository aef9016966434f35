// The page's texts for scripts, in the reader's language; places are written {name}.
const found = document.querySelector("[data-texts]");
const texts = found ? JSON.parse(found.dataset.texts) : {};

export function say(name, places = {}) {
  const text = texts[name];
  if (text === undefined) throw new Error(`no text ${name}`);
  return text.replace(/\{(\w+)\}/g, (whole, place) => (place in places ? String(places[place]) : whole));
}

export function bytes(value) {
  let number = value;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (number < 1000 || unit === "GB") return unit === "B" ? `${number} B` : `${number.toFixed(1)} ${unit}`;
    number /= 1000;
  }
  return "";
}

export function clock(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function timeLeft(seconds) {
  if (seconds === null) return "";
  if (seconds < 10) return say("left_soon");
  if (seconds < 90) return say("left_seconds", { n: Math.ceil(seconds / 10) * 10 });
  return say("left_minutes", { n: Math.ceil(seconds / 60) });
}
