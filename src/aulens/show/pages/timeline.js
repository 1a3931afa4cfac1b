// The timeline: a row per Action Unit, the cursor, what the pointer is at; also by keyboard.

const HEAD = 16;
const FOOT = 24;
const rowHeight = () => (window.matchMedia("(pointer: coarse)").matches ? 30 : 24);
const rows = () => clip.labels.map((_, au) => au).filter((au) => state.shown[au]);
const stillTimes = clip.stills.map((still) => still.time);

let plot = { width: 1, height: 1 };
const toX = (time) => ((time - state.from) / (state.to - state.from)) * plot.width;
const toTime = (x) => state.from + (x / plot.width) * (state.to - state.from);

const ticks = () => {
  const limit = Math.max(2, plot.width / 90);
  const range = state.to - state.from;
  const steps = clip.timed
    ? [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400]
    : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000];
  const step = steps.find((one) => range / one <= limit) || range / limit;
  const found = [];
  for (let k = Math.ceil(state.from / step - 1e-9); k * step <= state.to + 1e-9; k += 1) found.push(k * step);
  return [found, clip.timed && step < 1 ? 2 : 0];
};

const hatch = (pen, x, width, height) => {
  pen.save();
  pen.beginPath();
  pen.rect(x, HEAD, width, height);
  pen.clip();
  pen.strokeStyle = colour("gone");
  pen.lineWidth = 1;
  pen.beginPath();
  for (let k = Math.floor((x - height) / 7) * 7; k < x + width; k += 7) {
    pen.moveTo(k, HEAD + height);
    pen.lineTo(k + height, HEAD);
  }
  pen.stroke();
  pen.restore();
};

const away = (person) => {
  const about = clip.people[state.person];
  const ends = [[clip.start, about.start], [about.end, clip.end]].filter(([a, b]) => b - a > 1e-6);
  return [...ends, ...person.lost];
};

const drawRows = () => {
  const canvas = el("curves");
  const shown = rows();
  const height = rowHeight();
  plot = { width: canvas.parentElement.clientWidth, height: HEAD + shown.length * height + FOOT };
  const pen = fit(canvas, plot.width, plot.height);
  fit(el("cursor"), plot.width, plot.height);
  document.documentElement.style.setProperty("--row", `${height}px`);
  const body = shown.length * height;
  const [at, digits] = ticks();
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "center";
  at.forEach((time) => {
    const x = toX(time);
    pen.fillStyle = colour("line");
    pen.fillRect(Math.round(x), HEAD, 1, body);
    pen.fillStyle = colour("soft");
    const text = clip.timed ? clock(time, digits) : String(Math.round(time));
    const half = pen.measureText(text).width / 2;
    pen.fillText(text, clamp(x, half, plot.width - half), HEAD + body + 16);
  });
  stillTimes.forEach((time) => {
    const x = toX(time);
    if (x < -3 || x > plot.width + 3) return;
    pen.fillStyle = colour("soft");
    pen.beginPath();
    pen.arc(x, 8, 1.8, 0, 7);
    pen.fill();
  });
  const person = chosen();
  if (!person) return;
  const ground = (spans, paint) => spans.forEach(([a, b]) => {
    const left = clamp(toX(a), 0, plot.width);
    const right = clamp(toX(b), 0, plot.width);
    if (toX(b) > 0 && toX(a) < plot.width) paint(left, Math.max(1, right - left));
  });
  pen.fillStyle = colour("doubtful");
  ground(person.doubtful, (x, width) => pen.fillRect(x, HEAD, width, body));
  ground(away(person), (x, width) => hatch(pen, x, width, body));
  shown.forEach((au, row) => drawRow(pen, person, au, HEAD + row * height, height));
};

const drawRow = (pen, person, au, top, height) => {
  const box = { x: 0, width: plot.width, y: top + 6, height: height - 8 };
  pen.fillStyle = colour("line");
  pen.fillRect(0, top + height - 1, plot.width, 1);
  let drawn = -1; // up to here: of events that share a pixel one is enough
  person.of[au].forEach((event) => {
    const left = toX(event[1]);
    const right = Math.max(left + 1, toX(event[3]));
    if (left > plot.width || right < 0 || right <= drawn) return;
    pen.fillStyle = colour("event-wash");
    pen.fillRect(left, box.y, right - left, box.height);
    pen.fillStyle = colour("event");
    pen.fillRect(left, top + 2, right - left, 3);
    drawn = right;
  });
  const threshold = box.y + box.height * (1 - clip.threshold[au]);
  pen.strokeStyle = colour("threshold");
  pen.lineWidth = 0.7;
  pen.setLineDash([4, 4]);
  pen.beginPath();
  pen.moveTo(0, threshold);
  pen.lineTo(plot.width, threshold);
  pen.stroke();
  pen.setLineDash([]);
  pen.strokeStyle = colour("curve");
  pen.lineWidth = 1.3;
  pen.lineJoin = "round";
  drawCurve(pen, person, au, state.from, state.to, box);
};

const drawCursor = () => {
  const pen = el("cursor").getContext("2d");
  pen.clearRect(0, 0, plot.width, plot.height);
  const line = (time, name, width) => {
    const x = toX(time);
    if (x < -2 || x > plot.width + 2) return;
    pen.fillStyle = colour(name);
    pen.fillRect(x - width / 2, HEAD - 4, width, plot.height - HEAD - FOOT + 4);
  };
  if (state.hover) line(state.hover.time, "soft", 1);
  if (state.still >= 0) {
    pen.fillStyle = colour("cursor");
    pen.beginPath();
    pen.arc(toX(stillTimes[state.still]), 8, 4, 0, 7);
    pen.fill();
  }
  line(state.time, "cursor", 1.6);
  const time = state.hover ? state.hover.time : state.time;
  const person = chosen();
  rows().forEach((au, row) => {
    const value = valuesAt(person, au, time);
    const cell = el("values").children[row];
    cell.textContent = value === null ? "–" : percent(value.high);
    cell.className = value !== null && value.present ? "on" : "";
  });
  el("clock").textContent = clock(state.time);
  const slider = el("cursor");
  slider.setAttribute("aria-valuemin", clip.start);
  slider.setAttribute("aria-valuemax", clip.end);
  slider.setAttribute("aria-valuenow", state.time.toFixed(3));
  slider.setAttribute("aria-valuetext", spoken(person));
};

const spoken = (person) => {
  const one = state.au < 0 ? null : valuesAt(person, state.au, state.time);
  const what = state.au < 0 ? present(person) : `${clip.labels[state.au]} ${one === null ? "not seen" : percent(one.high)}`;
  return `${clock(state.time)}, ${what}`;
};

const present = (person) => {
  const found = clip.labels.filter((_, au) => (valuesAt(person, au, state.time) || {}).present);
  return found.length ? `${found.join(", ")} present` : "no Action Unit present";
};

const drawTip = () => {
  const tip = el("tip");
  tip.hidden = state.hover === null || state.hover.au === null;
  if (tip.hidden) return;
  const { time, au, x, y } = state.hover;
  const value = valuesAt(chosen(), au, time);
  const parts = [make("b", {}, `${clip.labels[au]} ${clip.names[au]}`), clock(time)];
  if (value === null) parts.push(" · face lost");
  else {
    parts.push(` · ${value.low === value.high ? percent(value.high) : `${percent(value.low)} to ${percent(value.high)}`}`);
    if (value.right !== null && clip.sided[au]) parts.push(make("br"), `right ${percent(value.right)}, left ${percent(value.left)}`);
  }
  parts.push(make("br"), `present from ${finely(clip.threshold[au])} on`);
  tip.replaceChildren(...parts);
  const wide = tip.offsetWidth;
  tip.style.left = `${x + 16 + wide > plot.width ? Math.max(0, x - 16 - wide) : x + 16}px`;
  tip.style.top = `${Math.max(0, Math.min(y + 12, plot.height - tip.offsetHeight))}px`;
};

const moveTo = (time) => {
  state.time = clamp(time, clip.start, clip.end);
  if (stillTimes.length) state.still = nearest(stillTimes, state.time);
  const range = state.to - state.from;
  if (state.time < state.from || state.time > state.to) view(state.time - range / 2, state.time + range / 2);
  changed("time");
};

const moveToStill = (place) => {
  if (!stillTimes.length) return;
  moveTo(stillTimes[clamp(place, 0, stillTimes.length - 1)]);
};

// The kept frame nearest to a time; without kept frames, the time itself.
const snap = (time) => (stillTimes.length ? moveToStill(nearest(stillTimes, time)) : moveTo(time));

const step = (by) => {
  const person = chosen();
  if (!person) return;
  moveTo(person.time[clamp(lastUpTo(person.time, state.time) + by, 0, person.time.length - 1)]);
};

const view = (from, to) => {
  const shortest = Math.min(span, clip.timed ? 0.4 : 10);
  const range = clamp(to - from, shortest, span);
  state.from = clamp(from, clip.start, clip.end - range);
  state.to = state.from + range;
  changed("view");
};

const zoom = (factor, around = clamp(state.time, state.from, state.to)) =>
  view(around - (around - state.from) * factor, around + (state.to - around) * factor);

const choose = (au) => { state.au = au; changed("au"); };

const toEvent = (by) => {
  const person = chosen();
  if (!person || !person.events) return;
  const times = (state.au < 0 ? person.events : person.of[state.au]).map((one) => one[2]).sort((a, b) => a - b);
  const found = by > 0 ? times.find((time) => time > state.time + 1e-6) : times.filter((time) => time < state.time - 1e-6).pop();
  if (found !== undefined) moveTo(found);
};

const toAu = (by) => {
  const shown = rows();
  if (!shown.length) return;
  const at = shown.indexOf(state.au);
  choose(at < 0 ? shown[by > 0 ? 0 : shown.length - 1] : shown[(at + by + shown.length) % shown.length]);
};

const KEYS = {
  ArrowLeft: (event) => (event.shiftKey || !stillTimes.length ? step(-1) : moveToStill(before(-1))),
  ArrowRight: (event) => (event.shiftKey || !stillTimes.length ? step(1) : moveToStill(before(1))),
  ArrowUp: () => toAu(-1),
  ArrowDown: () => toAu(1),
  PageUp: () => toEvent(-1),
  PageDown: () => toEvent(1),
  Home: () => snap(clip.start),
  End: () => snap(clip.end),
  "+": () => zoom(0.5),
  "=": () => zoom(0.5),
  "-": () => zoom(2),
  0: () => view(clip.start, clip.end),
};

// The kept frame before or after the cursor, which may be between two.
const before = (by) => {
  const place = state.still;
  const off = stillTimes[place] - state.time;
  return Math.abs(off) > 1e-6 && Math.sign(off) === by ? place : place + by;
};

const pointer = (event) => {
  const place = el("cursor").getBoundingClientRect();
  const x = clamp(event.clientX - place.left, 0, place.width);
  const y = event.clientY - place.top;
  const shown = rows();
  const row = Math.floor((y - HEAD) / rowHeight());
  return { x, y, time: toTime(x), au: row >= 0 && row < shown.length ? shown[row] : null };
};

const setUpTimeline = () => {
  const canvas = el("cursor");
  let held = false;
  canvas.addEventListener("pointermove", (event) => {
    state.hover = pointer(event);
    if (held) snap(state.hover.time);
    changed("hover");
  });
  canvas.addEventListener("pointerleave", () => { state.hover = null; changed("hover"); });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = true;
    const at = pointer(event);
    snap(at.time);
    if (at.au !== null && event.pointerType !== "touch") choose(at.au);
    canvas.setPointerCapture(event.pointerId);
  });
  ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => { held = false; }));
  canvas.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : KEYS[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act(event);
  });
  canvas.addEventListener("wheel", (event) => {
    const range = state.to - state.from;
    if (event.ctrlKey || event.metaKey) zoom(Math.exp(event.deltaY / 300), pointer(event).time);
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const by = ((event.deltaX || event.deltaY) / plot.width) * range;
      view(state.from + by, state.from + by + range);
    } else return;
    event.preventDefault();
  }, { passive: false });
  el("closer").addEventListener("click", () => zoom(0.5));
  el("wider").addEventListener("click", () => zoom(2));
  el("whole").addEventListener("click", () => view(clip.start, clip.end));
  el("event-back").addEventListener("click", () => toEvent(-1));
  el("event-on").addEventListener("click", () => toEvent(1));
  nameRows();
  el("choose").append(...clip.labels.map((label, au) => {
    const box = make("input", { type: "checkbox", checked: true, on: { change: () => {
      state.shown[au] = box.checked;
      nameRows();
      changed("rows");
    } } });
    return make("label", {}, box, label);
  }));
  when(["person", "view", "rows", "size", "theme"], drawRows);
  when(["person", "view", "rows", "size", "theme", "time", "hover", "au"], drawCursor);
  when(["hover", "view", "person"], drawTip);
  when(["au", "rows"], () => rows().forEach((au, row) =>
    el("names").children[row].setAttribute("aria-pressed", String(au === state.au))));
};

const nameRows = () => {
  el("names").replaceChildren(...rows().map((au) => make("button", {
    type: "button", "aria-pressed": String(au === state.au), title: `${clip.names[au]}: show its evidence`,
    on: { click: () => choose(state.au === au ? -1 : au) },
  }, make("b", {}, clip.labels[au]), make("span", {}, clip.names[au]))));
  el("values").replaceChildren(...rows().map(() => make("div")));
};
