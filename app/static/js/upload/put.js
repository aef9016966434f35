// One PUT of a part to the storage, with progress. XMLHttpRequest, because fetch says nothing while it sends.
import { Refused } from "../api.js";

export class NetworkLost extends Error {}

export function put(part, blob, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const settle = (how, value) => {
      signal.removeEventListener("abort", stop);
      how(value);
    };
    request.open("PUT", part.url);
    for (const [name, value] of Object.entries(part.headers || {})) {
      if (name.toLowerCase() !== "content-length" && name.toLowerCase() !== "host") request.setRequestHeader(name, value);
    }
    request.timeout = 300_000;
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      if (request.status < 300) settle(resolve);
      else settle(reject, new Refused(request.status, { code: "storage", detail: `storage ${request.status}` }));
    };
    request.onerror = () => settle(reject, new NetworkLost("the connection was lost"));
    request.ontimeout = () => settle(reject, new NetworkLost("the storage did not answer in time"));
    request.onabort = () => settle(reject, new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", stop, { once: true });
    request.send(blob);
  });
}
