// Settings must stand in the document before htmx starts; no style element and only same-origin requests (strict CSP).
import { csrfToken } from "../shared/http.js";

if (!document.querySelector('meta[name="htmx-config"]')) {
  const meta = document.createElement("meta");
  meta.name = "htmx-config";
  meta.content = JSON.stringify({ includeIndicatorCSS: false, mode: "same-origin", defaultTimeout: 20000 });
  document.head.append(meta);
}

document.addEventListener("htmx:config:request", (event) => {
  const request = event.detail.ctx.request;
  if (request.method !== "GET") request.headers["X-CSRF-Token"] = csrfToken();
});
