// The page's texts for scripts, in the reader's language; places are written {name}. What stands in one keeps its own
// direction: a size or a file name in an Arabic sentence.
const found = document.querySelector("[data-texts]");
const texts = found ? JSON.parse(found.dataset.texts) : {};

export function say(name, places = {}) {
  const text = texts[name];
  if (text === undefined) throw new Error(`no text ${name}`);
  return text.replace(/\{(\w+)\}/g, (whole, place) => (place in places ? apart(String(places[place])) : whole));
}

const apart = (words) => (/\p{L}/u.test(words) ? `\u2068${words}\u2069` : words);

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

const inForm = (form) => new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit", hour12: false, ...form });

function language() {
  const { lang } = document.documentElement;
  return lang === "en" ? "en-GB" : `${lang}-u-nu-latn`;
}

/** The time of day as the pages write it: 16:05. */
export function timeOf(when) {
  return inForm({}).format(when);
}

/** Day and time as the pages write them: 1 Dec 2026, 16:05. */
export function momentOf(when) {
  return inForm({ day: "numeric", month: "short", year: "numeric" }).format(when);
}

export function timeLeft(seconds) {
  if (seconds === null) return "";
  if (seconds < 10) return say("left_soon");
  if (seconds < 90) return say("left_seconds", { n: Math.ceil(seconds / 10) * 10 });
  return say("left_minutes", { n: Math.ceil(seconds / 60) });
}
