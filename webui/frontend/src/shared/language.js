// The page's language, and texts of one feature in both languages.

export const chinese = document.documentElement.lang.toLowerCase().startsWith("zh");

/** texts: {key: [zh, en]} -> function (key, values) that fills `{name}` placeholders. */
export function translator(texts) {
  return (key, values = {}) => {
    const pair = texts[key];
    if (!pair) return key;
    return pair[chinese ? 0 : 1].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  };
}
