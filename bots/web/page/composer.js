// Where the reader writes, adds a file or records.

import { LevelView, microphoneTrouble, Recording } from "./recorder.js";
import { Suggestions } from "./suggestions.js";
import { t } from "./words.js";

const LARGEST_BYTES = 25 * 2 ** 20;
const $ = (id) => document.getElementById(id);

/** Sends `{text, file, seconds}` to `onSay`. */
export class Composer {
  constructor(onSay) {
    this.onSay = onSay;
    this.file = null;
    this.recording = null;
    this.level = new LevelView($("level"));
    this.suggestions = new Suggestions($("text"), $("suggestions"));
    $("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.listenToText();
    this.listenToFiles();
    $("record").addEventListener("click", () => this.record());
    $("cancel").addEventListener("click", () => this.cancel());
    $("finish").addEventListener("click", () => this.finish());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.recording) this.cancel();
    });
    this.refresh();
  }

  listenToText() {
    const text = $("text");
    text.addEventListener("input", () => this.refresh());
    text.addEventListener("keydown", (event) => {
      if (!event.isComposing && this.suggestions.key(event)) return;
      // While an input method composes, Enter picks a candidate; Safari reports that one as key code 229.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.send();
    });
    text.addEventListener("paste", (event) => this.take(event.clipboardData.files[0], event));
  }

  listenToFiles() {
    $("attach").addEventListener("click", () => $("picker").click());
    $("picker").addEventListener("change", () => this.take($("picker").files[0]));
    $("file").querySelector("button").addEventListener("click", () => this.drop());
    const body = document.body;
    body.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      body.classList.add("dropping");
      body.dataset.drop = t("drop_here");
    });
    body.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) body.classList.remove("dropping");
    });
    body.addEventListener("drop", (event) => {
      body.classList.remove("dropping");
      this.take(event.dataTransfer.files[0], event);
    });
  }

  take(file, event) {
    if (!file) return;
    event?.preventDefault();
    if (file.size > LARGEST_BYTES) return this.complain("too_large");
    this.file = file;
    this.refresh();
    $("text").focus();
  }

  drop() {
    this.file = null;
    $("picker").value = "";
    this.refresh();
    $("text").focus();
  }

  send() {
    const text = $("text").value.trim();
    if (!text && !this.file) return;
    this.onSay({ text, file: this.file });
    $("text").value = "";
    this.suggestions.close();
    this.drop();
  }

  /** Show the state: the height of the text, the chosen file, whether there is anything to send. */
  refresh() {
    const text = $("text");
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
    $("send").disabled = !text.value.trim() && !this.file;
    $("file").hidden = !this.file;
    $("file").querySelector("span").textContent = this.file?.name ?? "";
    $("trouble").hidden = true;
  }

  complain(key) {
    const trouble = $("trouble");
    trouble.dataset.t = key;
    trouble.textContent = t(key);
    trouble.hidden = false;
  }

  async record() {
    if (this.recording) return;
    try {
      this.recording = await Recording.start((seconds, level) => this.tick(seconds, level), () => this.finish());
    } catch (error) {
      return this.complain(microphoneTrouble(error));
    }
    this.seconds = 0;
    $("trouble").hidden = true;
    this.swap(true);
    this.level.clear();
    $("finish").focus();
  }

  tick(seconds, level) {
    this.seconds = seconds;
    this.level.add(level);
    $("timer").textContent = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  }

  cancel() {
    this.recording?.cancel();
    this.swap(false);
    $("record").focus();
  }

  async finish() {
    const { recording } = this;
    if (!recording) return;
    this.swap(false);
    const file = await recording.stop();
    this.onSay({ text: "", file, seconds: this.seconds });
    $("text").focus();
  }

  swap(on) {
    if (!on) this.recording = null;
    $("writing").hidden = on;
    $("recording").hidden = !on;
    $("timer").textContent = "0:00";
  }
}
