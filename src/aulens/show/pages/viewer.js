// The kept frame nearest to the cursor, with the evidence for each Action Unit.

const TILE = 96;
let shot = null; // the kept frame that is decoded
let wanted = -1;

const picture = (text, kind) => new Promise((done, failed) => {
  const image = new Image();
  image.onload = () => done(image);
  image.onerror = failed;
  image.src = `data:image/${kind};base64,${text}`;
});

// Grey levels of a picture, one byte per pixel.
const grey = (image) => {
  const canvas = make("canvas", { width: image.width, height: image.height });
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const all = pen.getImageData(0, 0, image.width, image.height).data;
  return Uint8Array.from({ length: all.length / 4 }, (_, k) => all[4 * k]);
};

const load = async (place) => {
  const still = data(`still-${place}`);
  const image = await picture(still.picture, "jpeg");
  const faces = await Promise.all(still.faces.map(async (face) => ({
    ...face, maps: face.maps === null ? null : grey(await picture(face.maps, "png")), heat: new Map(),
  })));
  return { ...still, place, image, faces };
};

const inside = (face, au) => face.present[au] === 1;

// The colours of an AU over a face, or of all that are present (au -1), as a small canvas.
const heat = (face, au) => {
  if (face.maps === null) return null;
  if (!face.heat.has(au)) face.heat.set(au, paint(face, au));
  return face.heat.get(au);
};

const paint = (face, au) => {
  const [width, height] = face.map;
  const size = width * height;
  const canvas = make("canvas", { width, height });
  const pen = canvas.getContext("2d");
  const out = pen.createImageData(width, height);
  const { levels, faint } = clip.heat;
  const which = au >= 0 ? [au] : clip.labels.map((_, k) => k).filter((k) => inside(face, k));
  for (let k = 0; k < size; k += 1) {
    let seen = au >= 0 ? -1 : 0;
    which.forEach((one) => { seen = Math.max(seen, (face.maps[one * size + k] - 128) / 8 / levels); });
    const strong = clamp((Math.abs(seen) - faint) / (1 - faint), 0, 1);
    if (seen < 0 && clip.attention) continue;
    const [weak, full] = clip.attention ? clip.heat.attention : seen < 0 ? clip.heat.against : clip.heat.for;
    for (let c = 0; c < 3; c += 1) out.data[4 * k + c] = weak[c] + (full[c] - weak[c]) * strong;
    out.data[4 * k + 3] = 255 * Math.sqrt(strong) * (seen < 0 ? 0.6 : 0.7);
  }
  pen.putImageData(out, 0, 0);
  return canvas;
};

const drawStill = () => {
  const canvas = el("still");
  if (shot === null) return;
  const ratio = clamp(1000 / shot.width, 1, 2);
  canvas.width = Math.round(shot.width * ratio);
  canvas.height = Math.round(shot.height * ratio);
  canvas.style.aspectRatio = `${shot.width} / ${shot.height}`;
  canvas.style.width = `${canvas.width}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(shot.image, 0, 0, shot.width, shot.height);
  shot.faces.forEach((face) => {
    const own = face.face_id === clip.people[state.person]?.id;
    const warm = el("evidence").checked && !face.out ? heat(face, state.au) : null;
    if (warm !== null) {
      pen.save();
      pen.transform(...face.place);
      pen.drawImage(warm, 0, 0);
      pen.restore();
    }
    if (el("marks").checked) {
      pen.fillStyle = "rgba(255,255,255,0.75)";
      for (let k = 0; k < face.points.length; k += 2) pen.fillRect(face.points[k] - 0.8, face.points[k + 1] - 0.8, 1.6, 1.6);
    }
    frame(pen, face, own);
  });
};

const frame = (pen, face, own) => {
  const [x0, y0, x1, y1] = face.box;
  pen.strokeStyle = own ? colour("mark") : "rgba(255,255,255,0.7)";
  pen.lineWidth = own ? 2 : 1;
  pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
  if (clip.people.length < 2) return;
  pen.font = "600 11px system-ui, sans-serif";
  const text = `person ${face.face_id}`;
  const wide = pen.measureText(text).width + 8;
  const top = Math.max(0, y0 - 15);
  pen.fillStyle = own ? colour("mark") : "rgba(255,255,255,0.8)";
  pen.fillRect(x0 - pen.lineWidth / 2, top, wide, 15);
  pen.fillStyle = "#181c24";
  pen.fillText(text, x0 + 4, top + 11);
};

const drawTile = (canvas, face, au) => {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = TILE * ratio;
  canvas.height = TILE * ratio;
  const pen = canvas.getContext("2d");
  const [width, height] = face.map;
  pen.scale((TILE * ratio) / width, (TILE * ratio) / height);
  pen.imageSmoothingQuality = "high";
  pen.save();
  const back = new DOMMatrix(face.place).inverse();
  pen.transform(back.a, back.b, back.c, back.d, back.e, back.f);
  pen.drawImage(shot.image, 0, 0, shot.width, shot.height);
  pen.restore();
  // Faded, so that the colours stand out.
  pen.globalCompositeOperation = "saturation";
  pen.fillStyle = "rgba(128,128,128,0.75)";
  pen.fillRect(0, 0, width, height);
  pen.globalCompositeOperation = "source-over";
  const warm = heat(face, au);
  if (warm !== null) pen.drawImage(warm, 0, 0);
};

const drawTiles = () => {
  const id = clip.people[state.person]?.id;
  const face = shot === null ? undefined : shot.faces.find((one) => one.face_id === id);
  const about = !face || !face.about ? "" : `${face.about[0].toUpperCase()}${face.about.slice(1)}.`;
  const kind = clip.attention ? "Where the model looked" : "Evidence";
  el("evidence-title").textContent = clip.people.length > 1 ? `${kind}, person ${id}` : kind;
  if (face === undefined || face.out) {
    el("tiles").replaceChildren();
    el("evidence-note").textContent = shot === null ? "No frames were kept."
      : face === undefined ? "The face is not in this frame." : `The face is left out here. ${about}`;
    return;
  }
  el("evidence-note").textContent = face.maps === null ? `Of this face no evidence was kept, only the numbers. ${about}` : about;
  el("tiles").replaceChildren(...clip.labels.map((label, au) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    drawTile(canvas, face, au);
    const side = (letter, kind, share) => make("i", {}, make("b", { class: kind }, letter), ` ${Math.round(100 * share)}`);
    const sides = !sided(face, au) ? null
      : make("span", { class: "sides" }, side("R", "r", face.right[au]), side("L", "l", face.left[au]));
    return make("button", {
      type: "button", class: inside(face, au) ? "tile on" : "tile", "aria-pressed": String(state.au === au),
      "aria-label": tileLabel(face, au), title: `${label} ${clip.names[au]}`,
      on: { click: () => choose(state.au === au ? -1 : au) },
    }, canvas, make("span", {}, make("b", {}, label), percent(face.probability[au])), make("span", { class: "name" }, clip.names[au]), sides);
  }));
};

const sided = (face, au) => face.right !== null && clip.sided[au];

const tileLabel = (face, au) => {
  const sides = !sided(face, au) ? "" : `, right ${percent(face.right[au])}, left ${percent(face.left[au])}`;
  return `${clip.labels[au]} ${clip.names[au]}: ${percent(face.probability[au])}, ${inside(face, au) ? "present" : "absent"}${sides}`;
};

const describe = () => {
  if (shot === null) return;
  const off = stillTimes[shot.place] - state.time;
  const far = Math.abs(off) > (clip.timed ? 0.02 : 0.5);
  const time = clip.timed ? `${clock(stillTimes[shot.place])}, frame ${shot.frame}` : `Frame ${shot.frame}`;
  if (!clip.people.length) { el("caption").textContent = time + (far ? ": the kept frame nearest to the cursor" : ""); return; }
  const words = far ? `: the kept frame nearest to the cursor, ${lasting(Math.abs(off))} ${off > 0 ? "later" : "earlier"}` : "";
  const of = state.au < 0 ? "what is present" : clip.labels[state.au];
  const kind = clip.attention ? "where the model looked for" : "evidence for";
  el("caption").textContent = `${time}${words} · ${kind} ${of}`;
  const id = clip.people[state.person]?.id;
  const face = shot.faces.find((one) => one.face_id === id);
  const found = face === undefined || face.out ? "" : clip.labels.filter((_, au) => inside(face, au)).join(", ") || "no Action Unit";
  el("still").setAttribute("aria-label",
    `Frame ${shot.frame}, ${shot.faces.length} faces. ${face === undefined ? `Person ${id} is not in it.` : face.out ? `Person ${id} is left out.` : `Person ${id}: ${found} present.`}`);
};

const showStill = async () => {
  const place = state.still;
  wanted = place; // also if it is shown: an earlier one may still be loading
  if (place < 0 || (shot !== null && shot.place === place)) { describe(); return; }
  const loaded = await load(place);
  if (wanted !== place) return; // the cursor has gone on meanwhile
  shot = loaded;
  el("still").dataset.frame = shot.frame;
  drawStill();
  drawTiles();
  describe();
};

// To the nearest kept frame with the chosen person, if the one that is shown is without.
const toPerson = () => {
  const id = clip.people[state.person].id;
  const has = (place) => clip.stills[place].faces.some(([who]) => who === id);
  if (state.still < 0 || has(state.still)) return;
  const places = clip.stills.map((_, place) => place).filter(has);
  if (places.length) moveToStill(places[nearest(places.map((place) => stillTimes[place]), state.time)]);
};

const setUpViewer = () => {
  when(["time"], showStill);
  when(["person"], toPerson);
  when(["person", "au"], () => { drawStill(); drawTiles(); describe(); });
  when(["theme"], drawStill);
  ["evidence", "marks"].forEach((id) => el(id).addEventListener("change", drawStill));
  el("still").addEventListener("click", (event) => {
    const place = el("still").getBoundingClientRect();
    const x = ((event.clientX - place.left) / place.width) * shot.width;
    const y = ((event.clientY - place.top) / place.height) * shot.height;
    const hit = shot.faces.find(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]);
    const at = hit === undefined ? -1 : clip.people.findIndex((one) => one.id === hit.face_id);
    if (at >= 0) { state.person = at; changed("person"); }
  });
  if (clip.stills.length && clip.people.length) return;
  el("units").hidden = true;
  el("frame").querySelector("figure").hidden = !clip.stills.length;
  el("frame").querySelector(clip.people.length ? ".switches" : ".bar").hidden = true;
};
