// Light or dark: the reader's choice is a cookie, so that the server draws the page right from the start.
const root = document.documentElement;

function current() {
  return root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

export function switchTheme() {
  const next = current() === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `assay_theme=${next}; path=/; max-age=31536000; samesite=lax${secure}`;
}

export function startTheme() {
  for (const button of document.querySelectorAll("[data-act=theme]")) {
    button.addEventListener("click", switchTheme);
  }
}
