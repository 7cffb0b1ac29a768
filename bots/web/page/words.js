// The page's words in the reader's language; they come from the server's locale files.

const STORED = "parley.language";
let words = {};

/** One phrase. */
export function t(key) {
  return words[key] ?? key;
}

/** Load the words of the stored language, else the browser's, and fill the page. Returns what the server knows. */
export async function loadWords(chosen) {
  const tag = chosen ?? localStorage.getItem(STORED) ?? navigator.language;
  const response = await fetch(`/words/${encodeURIComponent(tag)}`);
  const found = await response.json();
  if (chosen) localStorage.setItem(STORED, found.language);
  words = found.words;
  document.documentElement.lang = found.language;
  document.title = t("title");
  translate(document);
  return found;
}

/** Put words where `data-t`, `data-t-label` (tooltip and name) and `data-t-placeholder` ask for them. */
export function translate(root) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel));
    if (node.tagName === "BUTTON") node.title = t(node.dataset.tLabel);
  }
  for (const node of root.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}
