// One PUT of a part to the storage, with progress. XMLHttpRequest, because fetch says nothing while it sends.
import { Refused } from "../api.js";
import { Watch } from "./watch.js";

export class NetworkLost extends Error {}

export function put(part, blob, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const watch = new Watch(() => settle(reject, new NetworkLost("nothing was sent for a while")));
    const stop = () => settle(reject, new DOMException("stopped", "AbortError"));
    const settle = (how, value) => {
      signal.removeEventListener("abort", stop);
      watch.end();
      how(value);
      if (request.readyState !== XMLHttpRequest.DONE) request.abort();
    };
    request.open("PUT", part.url);
    for (const [name, value] of Object.entries(part.headers || {})) {
      if (name.toLowerCase() !== "content-length" && name.toLowerCase() !== "host") request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => {
      watch.beat();
      onProgress(event.loaded);
    };
    request.onload = () => {
      if (request.status < 300) settle(resolve);
      else settle(reject, new Refused(request.status, { code: "storage", detail: `storage ${request.status}` }));
    };
    request.onerror = () => settle(reject, new NetworkLost("the connection was lost"));
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    else request.send(blob);
  });
}
