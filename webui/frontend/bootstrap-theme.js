// Vite plugin: Bootstrap's published CSS in our accent, with dark mode from the system instead of an attribute.
// An attribute would need a script before the first paint, which the strict CSP and readers without JavaScript do not have.

const COLOURS = {
  "#0d6efd": "#0b6170", // primary
  "13, 110, 253": "11, 97, 112",
  "#0b5ed7": "#095260", // hover
  "#0a58ca": "#084a56", // active, hovered links
  "10, 88, 202": "8, 74, 86",
  "#0a53be": "#07434e",
  "49, 132, 253": "60, 125, 138", // focus ring of primary buttons
  "#86b7fe": "#5f9ca8", // focused field
  "#cfe2ff": "#dff1f4", // subtle ground
  "#9ec5fe": "#8fc4cf",
  "#052c65": "#06363f",
  "#031633": "#0a262b",
  "#084298": "#0d5a68",
  "#6ea8fe": "#6fc7d4", // links in dark mode
  "110, 168, 254": "111, 199, 212",
  "#8bb9fe": "#94d6e0",
  "139, 185, 254": "148, 214, 224",
  "#dc3545": "#b3261e", // danger, dark enough for text on our ground
  "220, 53, 69": "179, 38, 30",
};

export function bootstrapTheme() {
  return {
    name: "bootstrap-theme",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("/bootstrap.css")) return null;
      return { code: recoloured(systemDark(code)), map: null };
    },
  };
}

export function recoloured(css) {
  let result = css;
  for (const [theirs, ours] of Object.entries(COLOURS)) {
    if (!result.includes(theirs)) throw new Error(`Bootstrap no longer uses ${theirs}: adapt bootstrap-theme.js`);
    result = result.replaceAll(theirs, ours).replaceAll(theirs.replace("#", "%23"), ours.replace("#", "%23"));
  }
  return result;
}

export function systemDark(css) {
  let count = 0;
  const result = css
    .replace(/\/\*#.*?\*\//g, "")
    .replace(/^([^{}@]*\[data-bs-theme=dark\][^{}]*)\{([^{}]*)\}/gm, (whole, selector, body) => {
      count += 1;
      return `@media (prefers-color-scheme: dark) {\n${selector.replaceAll("[data-bs-theme=dark]", ":root")}{${body}}\n}`;
    });
  if (count < 5 || result.includes("[data-bs-theme=dark]")) throw new Error(`Bootstrap's dark mode was not found (${count} rules): adapt bootstrap-theme.js`);
  return result;
}
