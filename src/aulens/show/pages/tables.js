// Who is chosen, and the tables about that person: summary, events, co-occurrence.

const PAGE = 100;
const BLINK = "AU45"; // its events are in the place of AU43
const order = { column: 1, up: true, shown: PAGE };

const fill = (table, head, body) => table.replaceChildren(make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
const heading = (text, kind = "") => make("th", { scope: "col", class: kind }, text);
const number = (...content) => make("td", { class: "number" }, ...content);

const drawSummary = () => {
  const person = chosen();
  if (!person) return;
  const about = clip.people[state.person];
  const lost = about.lost / Math.max(about.lost + about.seen, 1e-9);
  const from = `from ${clock(about.start)} to ${clock(about.end)}.`;
  el("seen").textContent = !about.lost_frames ? `Seen all the time ${from}` : `Seen for ${lasting(about.seen)}; the face was lost in ${about.lost_frames.toLocaleString("en")} of ` +
    `${about.frames.toLocaleString("en")} frames (${finely(lost)} of the time) ${from}`;
  const minutes = about.seen / 60;
  const intervals = person.blocks > 0;
  const row = (label, name, [share, low, high], own) => {
    const mean = own.length ? own.reduce((sum, event) => sum + event[3] - event[1], 0) / own.length : null;
    const bar = make("i");
    bar.style.width = `${100 * (share || 0)}%`;
    return make("tr", {},
      make("th", { scope: "row", title: name }, label),
      make("td", {}, make("span", { class: "au-share", "aria-hidden": "true" }, bar), finely(share),
        intervals && low !== null ? make("span", { class: "soft small" }, ` [${Math.round(100 * low)}, ${Math.round(100 * high)}]`) : null),
      number(person.events ? String(own.length) : "–"),
      number(mean === null ? "–" : lasting(mean)),
      number(person.events && clip.timed && minutes > 0 ? (own.length / minutes).toFixed(1) : "–"));
  };
  const body = clip.labels.map((label, au) => row(label, clip.names[au], person.shares[au], person.of[au].filter((event) => !event[10])));
  if (person.blinks !== null) {
    const blinks = person.events.filter((event) => event[10]);
    const share = blinks.reduce((sum, event) => sum + event[3] - event[1], 0) / Math.max(about.seen, 1e-9);
    body.push(row(BLINK, "Blink", [share, null, null], blinks));
  }
  fill(el("summary-table"), [heading("AU"), heading(intervals ? "Share of the time [95 % interval]" : "Share of the time"),
    heading("Events", "number"), heading("Mean", "number"), heading("Per min", "number")], body);
};

const sideOf = (event) => (clip.sided[event[0]] ? event[7] || "" : "");

const COLUMNS = [
  ["AU", (event) => event[0]], ["Onset", (event) => event[1]], ["Duration", (event) => event[3] - event[1]],
  ["Apex", (event) => event[2]], ["Peak", (event) => event[5] ?? -1], ["Mean", (event) => event[6] ?? -1], ["Side", (event) => sideOf(event)],
];

const drawEvents = () => {
  const person = chosen();
  if (!person) return;
  const columns = clip.sides ? COLUMNS : COLUMNS.slice(0, -1);
  const only = el("events-au").value;
  const found = (person.events || []).filter((event) => only === "" || event[0] === Number(only));
  const key = columns[order.column][1];
  const sign = order.up ? 1 : -1;
  found.sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) || a[1] - b[1]);
  const head = columns.map(([name], column) => make("th", {
    scope: "col", class: column && column < 6 ? "number" : "", "aria-sort": order.column !== column ? "none" : order.up ? "ascending" : "descending",
  }, make("button", { type: "button", on: { click: () => {
    if (order.column === column) order.up = !order.up;
    else Object.assign(order, { column, up: column < 2 || column === 3 });
    drawEvents();
    el("events-table").querySelectorAll("thead button")[column].focus();
  } } }, name)));
  const body = found.slice(0, order.shown).map((event) => {
    const go = () => { choose(event[0]); moveTo(event[2]); };
    return make("tr", { on: { click: go } },
      make("th", { scope: "row" }, event[10] ? BLINK : clip.labels[event[0]]),
      number(`${event[8] ? "← " : ""}${clock(event[1])}`), number(`${lasting(event[3] - event[1])}${event[9] ? " →" : ""}`),
      number(make("button", { type: "button", class: "go", title: "Go to the apex" }, clock(event[2]))),
      number(percent(event[5])), number(percent(event[6])), ...(clip.sides ? [make("td", {}, sideOf(event))] : []));
  });
  fill(el("events-table"), head, body);
  const note = el("events-note");
  if (person.events === null) note.textContent = "Events are not known: the clip has no time stamps.";
  else if (!found.length) note.textContent = "No events.";
  else if (found.length > body.length) {
    note.replaceChildren(`${body.length} of ${found.length.toLocaleString("en")} events. `, make("button", { type: "button", on: { click: () => {
      order.shown += PAGE;
      drawEvents();
    } } }, `Show ${Math.min(PAGE, found.length - body.length)} more`));
  } else note.textContent = `${found.length} ${found.length === 1 ? "event" : "events"}.`;
};

const drawTogether = () => {
  const person = chosen();
  if (!person) return;
  const kind = el("together-kind").value;
  const matrix = person.together[kind];
  // Of AUs that never occur there is nothing to say.
  const all = clip.labels.map((_, au) => au);
  const there = all.filter((au) => person.shares[au][0] > 0);
  const cell = (row, column) => {
    const value = matrix[row][column];
    const pair = `${clip.labels[row]}, ${clip.labels[column]}`;
    const trivial = row === column && kind !== "joint";
    const text = value === null ? "not known" : kind === "phi" ? value.toFixed(2) : finely(value);
    const node = make("td", { title: `${pair}: ${text}` }, trivial ? "" : value === null ? "–" : String(Math.round(100 * value)));
    if (value !== null && !trivial) {
      node.style.background = `color-mix(in srgb, var(--${value < 0 ? "cold" : "heat"}) ${(90 * Math.abs(value)).toFixed(1)}%, transparent)`;
      if (Math.abs(value) > 0.55) node.style.color = "#fff";
    } else node.style.background = "var(--card)";
    return node;
  };
  const body = there.map((row) => make("tr", {}, make("th", { scope: "row", title: clip.names[row] }, clip.labels[row]),
    ...there.map((column) => cell(row, column))));
  const head = there.map((au) => make("th", { scope: "col", title: clip.names[au] }, clip.labels[au]));
  fill(el("together-table"), there.length ? [make("td"), ...head] : [], body);
  const never = all.filter((au) => !there.includes(au)).map((au) => clip.labels[au]);
  const unit = kind === "phi" ? "In hundredths." : "In %, of the frames in which the person was seen.";
  el("together-note").textContent = `${there.length ? unit : ""}${never.length ? ` Never present: ${never.join(", ")}.` : ""}`;
};

const drawPeople = () => {
  const box = el("people");
  if (clip.people.length < 2) { box.hidden = true; return; }
  const pick = (place) => { state.person = place; changed("person"); };
  if (clip.people.length > 8) {
    const list = make("select", { "aria-label": "Person", on: { change: () => pick(Number(list.value)) } },
      ...clip.people.map((one, place) => make("option", { value: place }, `Person ${one.id} (${lasting(one.seen)})`)));
    box.removeAttribute("role");
    box.replaceChildren(list);
    when(["person"], () => { list.value = state.person; });
    return;
  }
  const buttons = clip.people.map((one, place) => make("button", {
    type: "button", role: "radio", "aria-checked": String(place === state.person), tabindex: place === state.person ? 0 : -1,
    on: { click: () => pick(place), keydown: (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      pick((place + by + clip.people.length) % clip.people.length);
      buttons[state.person].focus();
    } },
  }, portrait(one.id), `Person ${one.id}`));
  box.replaceChildren(...buttons);
  when(["person"], () => buttons.forEach((button, place) => {
    button.setAttribute("aria-checked", String(place === state.person));
    button.tabIndex = place === state.person ? 0 : -1;
  }));
};

// A person's face, from the kept frame in which it is largest.
const portrait = (id) => {
  const canvas = make("canvas", { width: 56, height: 56, "aria-hidden": "true" });
  let best = null;
  clip.stills.forEach((still, place) => still.faces.forEach(([who, x0, y0, x1, y1]) => {
    const side = Math.max(x1 - x0, y1 - y0);
    if (who === id && (best === null || side > best.side)) best = { place, side, x: (x0 + x1 - side) / 2, y: (y0 + y1 - side) / 2 };
  }));
  if (best !== null) {
    picture(data(`still-${best.place}`).picture, "jpeg").then((image) =>
      canvas.getContext("2d").drawImage(image, best.x, best.y, best.side, best.side, 0, 0, 56, 56));
  }
  return canvas;
};

const setUpTables = () => {
  el("events-au").append(make("option", { value: "" }, "all"), ...clip.labels.map((label, au) => make("option", { value: au }, label)));
  el("events-au").addEventListener("change", () => { order.shown = PAGE; drawEvents(); });
  el("together-kind").addEventListener("change", drawTogether);
  drawPeople();
  when(["person"], () => {
    order.shown = PAGE;
    drawSummary();
    drawEvents();
    drawTogether();
    const who = clip.people.length > 1 ? `of person ${clip.people[state.person].id}` : "";
    document.querySelectorAll(".who").forEach((node) => { node.textContent = who; });
  });
};
