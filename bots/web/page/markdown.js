// The Markdown that models write, as DOM nodes. Text only ever becomes text nodes, so no answer can inject markup.

const INLINE = /(`+)(.+?)\1|\*\*(.+?)\*\*|__(.+?)__|\*([^\s*](?:[^*]*[^\s*])?)\*|\[([^\]]+)\]\(((?:[^()\s]|\([^()\s]*\))+)\)|(https?:\/\/[^\s<>"'）)，。]+)/;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const BULLET = /^\s*[-*+]\s+(.*)/;
const NUMBER = /^\s*(\d{1,9})[.)]\s+(.*)/;
const HEADING = /^(#{1,6})\s+(.*)/;
const QUOTE = /^>\s?(.*)/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;

function node(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}

function link(text, url) {
  if (!/^(https?:|mailto:)/i.test(url)) return document.createTextNode(text);
  const made = node("a", text);
  made.href = url;
  made.target = "_blank";
  made.rel = "noopener noreferrer";
  return made;
}

function inline(text) {
  const nodes = [];
  let match;
  while ((match = INLINE.exec(text))) {
    if (match.index) nodes.push(text.slice(0, match.index));
    const [all, , code, strong, strong2, soft, label, url, bare] = match;
    if (code !== undefined) nodes.push(node("code", code.trim()));
    else if (strong ?? strong2) nodes.push(node("strong", ...inline(strong ?? strong2)));
    else if (soft) nodes.push(node("em", ...inline(soft)));
    else if (label) nodes.push(link(label, url));
    else nodes.push(link(bare, bare));
    text = text.slice(match.index + all.length);
  }
  if (text) nodes.push(text);
  return nodes;
}

function paragraph(lines) {
  const made = node("p");
  lines.forEach((line, index) => made.append(...(index ? [node("br")] : []), ...inline(line)));
  return made;
}

function takeWhile(lines, at, pattern) {
  const found = [];
  for (; at < lines.length && pattern.test(lines[at]); at += 1) found.push(pattern.exec(lines[at]));
  return found;
}

function codeBlock(lines, at) {
  const [, fence, language] = FENCE.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !lines[end].trimStart().startsWith(fence)) end += 1;
  const made = node("pre", node("code", lines.slice(at + 1, end).join("\n")));
  made.tabIndex = 0;
  if (language) made.dataset.language = language;
  return [made, end + 1];
}

function block(lines, at) {
  const line = lines[at];
  if (FENCE.test(line)) return codeBlock(lines, at);
  if (RULE.test(line)) return [node("hr"), at + 1];
  const heading = HEADING.exec(line);
  if (heading) return [node(heading[1].length < 3 ? "h3" : "h4", ...inline(heading[2])), at + 1];
  const quoted = takeWhile(lines, at, QUOTE);
  if (quoted.length) return [node("blockquote", ...blocks(quoted.map((found) => found[1]))), at + quoted.length];
  const points = takeWhile(lines, at, BULLET);
  if (points.length) return [node("ul", ...points.map((found) => node("li", ...inline(found[1])))), at + points.length];
  const numbers = takeWhile(lines, at, NUMBER);
  if (numbers.length) {
    const list = node("ol", ...numbers.map((found) => node("li", ...inline(found[2]))));
    list.start = Number(numbers[0][1]);
    return [list, at + numbers.length];
  }
  const plain = [line];
  const special = [FENCE, HEADING, QUOTE, BULLET, NUMBER];
  while (at + plain.length < lines.length) {
    const next = lines[at + plain.length];
    if (!next.trim() || special.some((pattern) => pattern.test(next))) break;
    plain.push(next);
  }
  return [paragraph(plain), at + plain.length];
}

function blocks(lines) {
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const [made, next] = block(lines, at);
    nodes.push(made);
    at = next;
  }
  return nodes;
}

/** The nodes of a text. */
export function markdown(text) {
  return blocks(text.split("\n"));
}
