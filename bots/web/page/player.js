// A small player: one button, a bar to seek, the time. Sounds load when they are first played.

import { t } from "./words.js";

const PLAY = "M8 5.500v13l11-6.500z";
const PAUSE = "M7 5h3.500v14H7zM13.5 5H17v14h-3.500z";
let playing = null;

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function picture(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  return { svg, drawn };
}

/** A player for the blob that `load()` resolves to; `name` is its accessible name's key, `seconds` its length if known. */
export function player(load, name, onTrouble, seconds = 0) {
  const root = document.createElement("div");
  root.className = "player";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon";
  button.dataset.tLabel = name;
  button.setAttribute("aria-label", t(name));
  const { svg, drawn } = picture(PLAY);
  button.append(svg);
  const bar = Object.assign(document.createElement("input"), { type: "range", min: "0", max: "1", step: "any", value: "0" });
  bar.dataset.tLabel = "position";
  bar.setAttribute("aria-label", t("position"));
  const time = document.createElement("span");
  root.append(button, bar, time);

  const audio = new Audio();
  let length = seconds;
  const show = () => {
    length = Number.isFinite(audio.duration) ? audio.duration : length;
    bar.max = String(length || 1);
    bar.value = String(audio.currentTime);
    bar.style.setProperty("--played", `${(100 * audio.currentTime) / (length || 1)}%`);
    const started = !audio.paused || audio.currentTime > 0;
    time.textContent = started || length ? clock(started ? audio.currentTime : length) : "";
    drawn.setAttribute("d", audio.paused ? PLAY : PAUSE);
  };
  const ready = async () => {
    if (!audio.src) audio.src = URL.createObjectURL(await load());
  };
  button.addEventListener("click", async () => {
    try {
      await ready();
      if (!audio.paused) return audio.pause();
      if (playing && playing !== audio) playing.pause();
      playing = audio;
      await audio.play();
    } catch (error) {
      onTrouble(error);
    }
  });
  bar.addEventListener("input", () => {
    audio.currentTime = Number(bar.value);
  });
  for (const event of ["timeupdate", "durationchange", "play", "pause", "ended"]) audio.addEventListener(event, show);
  audio.addEventListener("ended", () => {
    audio.currentTime = 0;
  });
  show();
  return root;
}
