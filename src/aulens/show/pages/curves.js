// The curves of a person: bytes to numbers, and drawn into a row of the timeline.

const people = new Map();

const personData = (place) => {
  if (!people.has(place)) {
    const found = data(`person-${place}`);
    const raw = found.curves;
    found.time = new Float64Array(bytes(raw.time).buffer);
    found.frame = new Uint32Array(bytes(raw.frame).buffer);
    found.low = bytes(raw.low);
    found.high = raw.high === null ? found.low : bytes(raw.high);
    found.right = bytes(raw.right);
    found.left = bytes(raw.left);
    found.curves = null;
    found.of = clip.labels.map((_, au) => (found.events || []).filter((event) => event[0] === au));
    people.set(place, found);
  }
  return people.get(place);
};

const chosen = () => (clip.people.length ? personData(state.person) : null);

// The values of an AU at a time, null where the face was lost or there is nobody: {low, high, right, left}.
const valuesAt = (person, au, time) => {
  const about = clip.people[state.person];
  if (!person || time < about.start - 1e-9 || time > about.end + 1e-9) return null;
  const at = au * person.time.length + lastUpTo(person.time, time);
  if (person.low[at] === clip.none) return null;
  const share = (values) => (values === null ? null : values[at] / clip.steps);
  return {
    low: share(person.low), high: share(person.high), right: share(person.right), left: share(person.left),
    present: person.high[at] >= clip.level[au],
  };
};

// Draw an AU between two times into a rectangle: for each pixel the lowest and the highest value.
const drawCurve = (pen, person, au, from, to, box) => {
  const n = person.time.length;
  const start = Math.max(0, lastUpTo(person.time, from) - 1);
  const stop = Math.min(n - 1, lastUpTo(person.time, to) + 1);
  const scale = box.width / (to - from);
  const y = (step) => box.y + box.height * (1 - step / clip.steps);
  let column = null;
  let open = false;
  const flush = () => {
    if (column === null) return;
    if (!open) pen.moveTo(column.x, y(column.low));
    else pen.lineTo(column.x, y(column.first));
    if (column.high !== column.low) { pen.lineTo(column.x, y(column.high)); pen.lineTo(column.x, y(column.low)); }
    pen.lineTo(column.x + (open ? 0 : 0.01), y(column.last));
    open = true;
    column = null;
  };
  pen.beginPath();
  for (let k = start; k <= stop; k += 1) {
    const low = person.low[au * n + k];
    if (low === clip.none) { flush(); open = false; continue; }
    const high = person.high[au * n + k];
    const x = box.x + (person.time[k] - from) * scale;
    if (column !== null && Math.floor(x) === column.at) {
      column.low = Math.min(column.low, low);
      column.high = Math.max(column.high, high);
      column.last = high;
    } else {
      flush();
      column = { x, at: Math.floor(x), low, high, first: low, last: high };
    }
  }
  flush();
  pen.stroke();
};
