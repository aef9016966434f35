// Reading what the server put on the page: data, texts, elements.
import { fill } from "./times.js";

export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

export function data(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : {};
}

const texts = data("texts");

/** A text of the page in the reader's language, with its values put in. */
export function say(name, values) {
  return fill(texts[name] ?? name, values);
}

export const language = document.documentElement.lang;

/** Make an element with text; `properties` are set as they are, `data-` and `aria-` ones as attributes. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Show a short message at the corner for a while. */
export function toast(text) {
  const box = one("[data-toast]");
  if (!box) return;
  one("b", box).textContent = text;
  box.hidden = false;
  clearTimeout(box.timer);
  box.timer = setTimeout(() => (box.hidden = true), 4000);
}

/** Leave a message for the next page. */
export function tellNextPage(text) {
  sessionStorage.setItem("assay-toast", text);
}

export function showToldText() {
  const text = sessionStorage.getItem("assay-toast");
  if (!text) return;
  sessionStorage.removeItem("assay-toast");
  toast(text);
}

/** What a person set on this device: speed, captions, keys. */
export const settings = {
  get(name, otherwise) {
    const text = localStorage.getItem(`assay-${name}`);
    return text === null ? otherwise : JSON.parse(text);
  },
  set: (name, value) => localStorage.setItem(`assay-${name}`, JSON.stringify(value)),
};
