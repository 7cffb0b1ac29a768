// What may follow a slash: commands, then their choices, as one types.

const SHOWN_MOST = 14;

/** A list above the text box. Arrow keys move in it, Enter and Tab take, Escape closes. */
export class Suggestions {
  constructor(text, list) {
    this.text = text;
    this.list = list;
    this.commands = [];
    this.at = 0;
    text.addEventListener("input", () => this.refresh());
    text.addEventListener("blur", () => this.close());
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the text box keeps the focus
      const item = event.target.closest("li");
      if (item) this.take([...list.children].indexOf(item));
    });
  }

  /** Commands as the server describes them: name, description, choices. */
  offer(commands) {
    this.commands = commands;
    this.refresh();
  }

  /** Whether a key was meant for the list. */
  key(event) {
    if (this.list.hidden) return false;
    const last = this.list.children.length - 1;
    if (event.key === "ArrowDown") this.move(this.at < last ? this.at + 1 : 0);
    else if (event.key === "ArrowUp") this.move(this.at > 0 ? this.at - 1 : last);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Tab" || (event.key === "Enter" && !this.isWhole())) this.take(this.at);
    else return false;
    event.preventDefault();
    return true;
  }

  refresh() {
    const found = document.activeElement === this.text ? this.found() : [];
    this.entries = found;
    this.list.replaceChildren(...found.map(({ shown, description }) => this.item(shown, description)));
    this.list.hidden = found.length === 0;
    this.move(0);
  }

  found() {
    const [, name, space, typed] = /^\/([a-z]*)(\s*)(\S*)$/i.exec(this.text.value) ?? [];
    if (name === undefined) return [];
    if (!space) {
      return this.commands
        .filter((command) => command.name.startsWith(name.toLowerCase()))
        .slice(0, SHOWN_MOST)
        .map(({ name: each, description, choices }) => ({
          shown: `/${each}`,
          description,
          value: `/${each}${choices.length ? " " : ""}`,
        }));
    }
    const command = this.commands.find((each) => each.name === name.toLowerCase());
    return (command?.choices ?? [])
      .filter((choice) => choice.startsWith(typed))
      .map((choice) => ({ shown: choice, description: "", value: `/${name} ${choice}` }));
  }

  isWhole() {
    return this.entries.some(({ value }) => value.trim() === this.text.value.trim());
  }

  item(shown, description) {
    const item = document.createElement("li");
    item.role = "option";
    const name = document.createElement("b");
    name.textContent = shown;
    item.append(name, " ", description);
    return item;
  }

  move(to) {
    this.at = to;
    [...this.list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === to)));
    this.list.children[to]?.scrollIntoView({ block: "nearest" });
  }

  take(index) {
    this.text.value = this.entries[index].value;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
    if (!this.entries.some(({ value }) => value !== this.text.value)) this.close();
  }

  close() {
    this.list.hidden = true;
  }
}
