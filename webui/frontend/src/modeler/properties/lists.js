// Comma-separated lists of ids in which `${...}` may hold commas of its own.

export function splitList(text) {
  const parts = [];
  let part = "";
  let depth = 0;
  for (const character of text ?? "") {
    if (character === "{") depth += 1;
    if (character === "}") depth = Math.max(0, depth - 1);
    if (character === "," && depth === 0) {
      parts.push(part);
      part = "";
    } else {
      part += character;
    }
  }
  parts.push(part);
  return parts.map((item) => item.trim()).filter(Boolean);
}

export const joinList = (items) => (items.length ? items.join(", ") : undefined);
