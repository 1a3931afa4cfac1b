// What all parts share: the data, small helpers, and what is chosen at the moment.

const el = (id) => document.getElementById(id);
const data = (id) => JSON.parse(el(id).textContent);

const clip = data("clip");
const count = clip.labels.length;
const span = Math.max(clip.end - clip.start, 1e-6);

// au: the chosen Action Unit, -1 for all that are present; time: the cursor; view: what the timeline shows.
const state = {
  person: 0, au: -1, time: clip.start, still: -1, from: clip.start, to: clip.end, hover: null,
  shown: clip.labels.map(() => true),
};

const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== null && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
};

// The style sheet's colours, asked for once per theme.
const palette = new Map();
const probe = make("i", { hidden: true });
document.body.append(probe);
const colour = (name) => {
  if (!palette.has(name)) {
    probe.style.color = `var(--${name})`;
    palette.set(name, getComputedStyle(probe).color);
  }
  return palette.get(name);
};
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const percent = (share) => {
  if (share === null || Number.isNaN(share)) return "–";
  if (share > 0 && share < 0.005) return "<1\u202f%";
  return `${Math.round(100 * share)}\u202f%`;
};

const finely = (share) => (share === null ? "–" : share > 0 && share < 0.0005 ? "<0.1\u202f%" : `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}\u202f%`);

// Seconds as 1:02:03.4, or a frame where the clip has no time stamps.
const clock = (time, digits = 2) => {
  if (!clip.timed) return `frame ${Math.round(time)}`;
  const unit = 10 ** digits;
  const whole = Math.round(time * unit);
  const seconds = (whole % (60 * unit)) / unit;
  const minutes = Math.floor(whole / (60 * unit));
  const rest = seconds.toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

const lasting = (time) => {
  if (!clip.timed) return `${Math.round(time)} frames`;
  if (time < 59.95) return `${time.toFixed(time < 10 ? 2 : 1)} s`;
  const whole = Math.round(time);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
};

const bytes = (text) => (text === null ? null : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));

// A canvas fit for the screen's own pixels; returns its context, in CSS pixels.
const fit = (canvas, width, height) => {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
};

// The position of the last of ascending values that is not above one; 0 if all are.
const lastUpTo = (values, value) => {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value + 1e-9) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
};

const nearest = (values, value) => {
  const place = lastUpTo(values, value);
  const next = Math.min(place + 1, values.length - 1);
  return Math.abs(values[next] - value) < Math.abs(values[place] - value) ? next : place;
};

// Parts redraw themselves when what they show has changed.
const listeners = [];
const changed = (...what) => listeners.forEach(([topics, act]) => topics.some((t) => what.includes(t)) && act());
const when = (topics, act) => listeners.push([topics, act]);
