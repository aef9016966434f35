// What a file is: its media type, and its kind among those that a rubric takes. Many browsers know no type of many files.

const TYPES = {
  mp4: "video/mp4",
  m4v: "video/mp4",
  mov: "video/quicktime",
  mkv: "video/x-matroska",
  webm: "video/webm",
  avi: "video/x-msvideo",
  "3gp": "video/3gpp",
  mp3: "audio/mpeg",
  m4a: "audio/mp4",
  aac: "audio/aac",
  wav: "audio/wav",
  flac: "audio/flac",
  ogg: "audio/ogg",
  oga: "audio/ogg",
  opus: "audio/ogg",
  weba: "audio/webm",
  pdf: "application/pdf",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  txt: "text/plain",
  md: "text/markdown",
};
const DOCUMENTS = new Set([TYPES.pdf, TYPES.docx, TYPES.txt, TYPES.md]);
const FORM = /^(video|audio|application|text)\/[a-z0-9.+-]+$/i;

function extension(name) {
  return name.includes(".") ? name.split(".").pop().toLowerCase() : "";
}

// The ending counts first: browsers say `video/webm` and `audio/x-m4a`, or nothing, as their system happens to know.
export function typeOf({ name, type }) {
  const plain = type.split(";")[0].trim();
  return TYPES[extension(name)] || (FORM.test(plain) ? plain : "application/octet-stream");
}

// A film may be taken for its sound; a sound in a container of films too.
export function kindOf(file, kinds) {
  const own = FORM.test(file.type) ? file.type.split("/")[0] : "";
  const [main] = typeOf(file).split("/");
  for (const kind of [own, main]) if ((kind === "video" || kind === "audio") && kinds.includes(kind)) return kind;
  if (main === "video" && kinds.includes("audio")) return "audio";
  if (DOCUMENTS.has(typeOf(file)) && kinds.includes("document")) return "document";
  return null;
}
