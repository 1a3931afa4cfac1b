// Put the parts together.

const copy = async () => {
  const text = el("bibtex").textContent;
  try {
    await navigator.clipboard.writeText(text);
    el("copied").textContent = "Copied.";
  } catch { // not allowed for pages from a file in some browsers
    const range = document.createRange();
    range.selectNodeContents(el("bibtex"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    el("copied").textContent = document.execCommand("copy") ? "Copied." : "Selected: copy it with Ctrl+C.";
  }
};

setUpTimeline();
setUpViewer();
el("copy").addEventListener("click", copy);
if (clip.people.length) {
  // The person who was seen for longest, at the strongest event.
  clip.people.forEach((one, place) => { if (one.seen > clip.people[state.person].seen) state.person = place; });
  setUpTables();
  changed("person");
} else ["timeline", "summary", "events", "together"].forEach((id) => { el(id).hidden = true; });
const events = clip.people.length ? chosen().events || [] : [];
const strongest = events.reduce((best, event) => (best === null || event[5] > best[5] ? event : best), null);
moveTo(strongest === null ? clip.start : strongest[2]);
new ResizeObserver(() => changed("size")).observe(el("curves").parentElement);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { palette.clear(); changed("theme"); });
document.documentElement.dataset.ready = "yes";
