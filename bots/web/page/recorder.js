// The microphone: one recording at a time, its level and its length.

const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const LONGEST_S = 600;

/** A recording that runs. `stop()` resolves to a File, `cancel()` throws it away; `onTick(seconds, level 0..1)`. */
export class Recording {
  static async start(onTick, onLongest) {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, channelCount: 1 },
    });
    return new Recording(stream, onTick, onLongest);
  }

  constructor(stream, onTick, onLongest) {
    this.stream = stream;
    this.pieces = [];
    const type = TYPES.find((each) => MediaRecorder.isTypeSupported(each));
    this.recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: 32_000 });
    this.recorder.addEventListener("dataavailable", (event) => this.pieces.push(event.data));
    this.recorder.start(250);
    this.began = performance.now();
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = 1024;
    this.context.createMediaStreamSource(stream).connect(this.analyser);
    const samples = new Float32Array(this.analyser.fftSize);
    this.timer = setInterval(() => {
      this.analyser.getFloatTimeDomainData(samples);
      const loudness = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
      const seconds = (performance.now() - this.began) / 1000;
      onTick(seconds, Math.min(1, loudness * 5));
      if (seconds > LONGEST_S) onLongest();
    }, 60);
  }

  async stop() {
    const ended = new Promise((resolve) => this.recorder.addEventListener("stop", resolve, { once: true }));
    this.recorder.stop();
    await ended;
    this.release();
    const type = this.recorder.mimeType.split(";")[0];
    return new File(this.pieces, `voice.${type.split("/")[1]}`, { type });
  }

  cancel() {
    this.recorder.stop();
    this.release();
  }

  release() {
    clearInterval(this.timer);
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }
}

/** The phrase that explains why there is no microphone. */
export function microphoneTrouble(error) {
  if (!navigator.mediaDevices) return "microphone_insecure";
  return error.name === "NotFoundError" ? "microphone_missing" : "microphone_denied";
}

/** Draws the last few seconds of loudness as bars. */
export class LevelView {
  constructor(canvas) {
    this.canvas = canvas;
    this.levels = [];
  }

  clear() {
    this.levels = [];
    this.canvas.width = this.canvas.clientWidth; // also wipes it
  }

  add(level) {
    const { canvas } = this;
    const bars = Math.floor(canvas.width / 6);
    this.levels.push(level);
    if (this.levels.length > bars) this.levels.shift();
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = getComputedStyle(canvas).color;
    this.levels.forEach((each, index) => {
      const height = Math.max(3, each * canvas.height);
      const left = canvas.width - 6 * (this.levels.length - index);
      context.beginPath();
      context.roundRect(left, (canvas.height - height) / 2, 3, height, 1.5);
      context.fill();
    });
  }
}
