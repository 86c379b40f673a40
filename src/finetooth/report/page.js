"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent), get = id => document.getElementById(id);
const at = Object.fromEntries(data.keys.map((k, i) => [k, i]));
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Text of the data only ever enters the page through here.
const make = (tag, text, name) => { const e = document.createElement(tag); if (text !== undefined && text !== null) e.textContent = text; if (name) e.className = name; return e; };
const number = v => typeof v === "number" ? v.toFixed(3) : "";

// ---- one example, whole
const LABELS = {example_id: "example", right: "right", sure: "sure of it", confidence: "confidence (map)", variability: "variability (map)"};
function whole(row) {
  const list = make("dl");
  data.keys.forEach((key, i) => {
    if (row[i] === null || row[i] === "" || key === "findings" || key === "more") return;
    list.append(make("dt", LABELS[key] || key), make("dd", typeof row[i] === "number" ? number(row[i]) : row[i]));
  });
  for (const line of row[at.more]) list.append(make("dt", "found"), make("dd", line));
  return list;
}

// ---- the map
const canvas = get("points"), pen = canvas && canvas.getContext("2d"), tip = get("tip");
const WHEEL = {light: ["#3b6fb6", "#d0661f", "#2f8a5b", "#b8405e", "#7757b0", "#9a7a10", "#2b8597", "#8d5a3c"], dark: ["#7fb0f0", "#f0a368", "#6fcf9c", "#f08aa5", "#b79df0", "#e0c255", "#6fc9da", "#d0a284"]};
const AXES = {map: [0, 1, "variability of the gold probability over epochs", "mean gold probability (confidence)"], clusters: [2, 3, "", ""]};
const R = {left: 54, bottom: 42, top: 10, right: 12}, CATEGORY = 4, CLUSTER = 5, ROW = 6;
let shows = "map", by = "category", view = null, chosen = null, points = [];
const axes = () => AXES[shows];
function fit() {
  const [i, j] = axes(); points = data.points.filter(p => p[i] !== null && p[j] !== null);
  let low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  for (const p of points) for (const [k, v] of [[0, p[i]], [1, p[j]]]) { if (v < low[k]) low[k] = v; if (v > high[k]) high[k] = v; }
  if (shows === "map") { const right = Math.max(0.1, high[0] > 0 ? high[0] : 0); view = {x: -0.02 * right, y: -0.03, w: right * 1.05, h: 1.06}; }
  else { const w = high[0] - low[0] || 1, h = high[1] - low[1] || 1; view = {x: low[0] - w * 0.04, y: low[1] - h * 0.04, w: w * 1.08, h: h * 1.08}; }
}
const box = () => ({w: Math.max(canvas.clientWidth - R.left - R.right, 50), h: Math.max(canvas.clientHeight - R.top - R.bottom, 50)});
const where = p => { const [i, j] = axes(), b = box(); return [R.left + (p[i] - view.x) / view.w * b.w, R.top + b.h - (p[j] - view.y) / view.h * b.h]; };
function colours() {
  if (by === "category") return data.categories.map(c => css("--" + c) || css("--soft"));
  const wheel = WHEEL[css("color-scheme") === "dark" ? "dark" : "light"];
  return data.clusters.map((name, i) => name === "in none" ? css("--soft") : wheel[(i - (data.clusters[0] === "in none")) % wheel.length]);
}
function draw() {
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight, b = box();
  canvas.width = w * ratio; canvas.height = h * ratio; pen.setTransform(ratio, 0, 0, ratio, 0, 0); pen.clearRect(0, 0, w, h);
  const soft = css("--soft"); pen.font = "12px system-ui, sans-serif"; pen.strokeStyle = css("--line"); pen.fillStyle = soft;
  if (shows === "map") for (const [start, size, up] of [[view.x, view.w, 0], [view.y, view.h, 1]]) {
    const ten = 10 ** Math.floor(Math.log10(size / 3)), step = ten * [1, 2, 5, 10].find(m => size / (ten * m) <= 6), digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    for (let i = Math.ceil(start / step - 1e-9); i * step <= start + size; i++) {
      const v = i * step, text = Math.abs(v) < step / 1e6 ? "0" : v.toFixed(digits);
      pen.beginPath();
      if (up) { const y = R.top + b.h - (v - view.y) / view.h * b.h; pen.moveTo(R.left, y); pen.lineTo(R.left + b.w, y); pen.textAlign = "right"; pen.textBaseline = "middle"; pen.fillText(text, R.left - 7, y); }
      else { const x = R.left + (v - view.x) / view.w * b.w; pen.moveTo(x, R.top); pen.lineTo(x, R.top + b.h); pen.textAlign = "center"; pen.textBaseline = "top"; pen.fillText(text, x, R.top + b.h + 6); }
      pen.stroke();
    }
  }
  pen.textAlign = "center"; pen.textBaseline = "bottom"; pen.fillText(axes()[2], R.left + b.w / 2, h - 3);
  pen.save(); pen.translate(3, R.top + b.h / 2); pen.rotate(-Math.PI / 2); pen.textBaseline = "top"; pen.fillText(axes()[3], 0, 0); pen.restore();
  pen.save(); pen.beginPath(); pen.rect(R.left, R.top, b.w, b.h); pen.clip();
  const size = points.length > 5000 ? 1.6 : points.length > 500 ? 3 : 4.5, paint = colours(), which = by === "category" ? CATEGORY : CLUSTER;
  pen.globalAlpha = points.length > 5000 ? 0.35 : 0.75;
  // No call and no array a point: there may be 50,000 of them, drawn again at every move.
  const [i, j] = axes(), sx = b.w / view.w, sy = b.h / view.h, counts = new Map(); let last = null;
  for (const p of points) {
    const key = p[which], x = R.left + (p[i] - view.x) * sx, y = R.top + b.h - (p[j] - view.y) * sy; counts.set(key, (counts.get(key) || 0) + 1);
    if (x < R.left - 6 || y < R.top - 6 || x > R.left + b.w + 6 || y > R.top + b.h + 6) continue;
    if (key !== last) { pen.fillStyle = key < 0 ? soft : paint[key]; last = key; }
    if (size < 2) pen.fillRect(x - size, y - size, 2 * size, 2 * size); else { pen.beginPath(); pen.arc(x, y, size, 0, 7); pen.fill(); }
  }
  pen.globalAlpha = 1;
  if (chosen && points.includes(chosen)) { const [x, y] = where(chosen); pen.strokeStyle = css("--ink"); pen.lineWidth = 2.5; pen.beginPath(); pen.arc(x, y, size + 5, 0, 7); pen.stroke(); pen.lineWidth = 1; }
  pen.restore();
  const names = by === "category" ? data.categories : data.clusters, legend = get("legend"); legend.replaceChildren();
  const order = by === "category" ? ["easy", "ambiguous", "hard"] : [];
  const keys = [...counts].sort((a, c) => (order.indexOf(names[a[0]]) - order.indexOf(names[c[0]])) || c[1] - a[1]);
  for (const [key, n] of keys.slice(0, 10)) { const one = make("span"), dot = make("span", "", "key"); dot.style.background = key < 0 ? soft : paint[key]; one.append(dot, (key < 0 ? "not known" : names[key]) + " (" + n.toLocaleString("en") + ")"); legend.append(one); }
  if (keys.length > 10) legend.append(make("span", "and " + (keys.length - 10) + " more", "soft"));
}
function nearest(x, y, reach) {
  let best = null, least = reach * reach;
  for (const p of points) { const [px, py] = where(p), d = (px - x) ** 2 + (py - y) ** 2; if (d < least) { least = d; best = p; } }
  return best;
}
function beside(dx, dy) {  // the next point in a direction: near, and not far off the line
  if (!chosen || !points.includes(chosen)) { const b = box(); return nearest(R.left + b.w / 2, R.top + b.h / 2, Infinity); }
  const [x, y] = where(chosen); let best = chosen, least = Infinity;
  for (const p of points) { const [px, py] = where(p), along = (px - x) * dx + (py - y) * dy, off = Math.abs((px - x) * dy) + Math.abs((py - y) * dx); if (along > 0.5 && along + 3 * off < least) { least = along + 3 * off; best = p; } }
  return best;
}
function choose(p) {
  chosen = p; const one = get("one"), row = p && p[ROW] >= 0 ? data.rows[p[ROW]] : null;
  if (row) one.replaceChildren(whole(row));
  else one.textContent = p ? "variability " + number(p[0]) + ", confidence " + number(p[1]) + ": an example whose text is not kept in this page, which has the " + data.rows.length.toLocaleString("en") + " worst" : "No example there.";
  draw();
}
function zoom(factor, fx = 0.5, fy = 0.5) { view.x += view.w * fx * (1 - factor); view.y += view.h * fy * (1 - factor); view.w *= factor; view.h *= factor; draw(); }
const mouse = e => { const b = canvas.getBoundingClientRect(); return [e.clientX - b.left, e.clientY - b.top]; };
function reset() { fit(); draw(); }
if (canvas) {
  canvas.addEventListener("wheel", e => { e.preventDefault(); const [x, y] = mouse(e), b = box(); zoom(e.deltaY > 0 ? 1.2 : 1 / 1.2, (x - R.left) / b.w, 1 - (y - R.top) / b.h); }, {passive: false});
  let drag = null;
  canvas.addEventListener("pointerdown", e => { drag = {at: mouse(e), moved: false}; canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener("pointermove", e => {
    const [x, y] = mouse(e);
    if (drag) { const [ox, oy] = drag.at, b = box(); if (drag.moved || Math.abs(x - ox) + Math.abs(y - oy) > 3) { drag.moved = true; view.x -= (x - ox) / b.w * view.w; view.y += (y - oy) / b.h * view.h; drag.at = [x, y]; tip.hidden = true; draw(); } return; }
    const p = nearest(x, y, 12), row = p && p[ROW] >= 0 ? data.rows[p[ROW]] : null;
    tip.hidden = !row; if (!row) return;
    const said = String(row[at.input] === null ? "" : row[at.input]); tip.textContent = row[at.example_id] + (said ? "\n" + said.slice(0, 120) : "");
    const left = x > canvas.clientWidth / 2; tip.style.left = left ? "auto" : x + 14 + "px"; tip.style.right = left ? canvas.clientWidth - x + 14 + "px" : "auto"; tip.style.top = y + 14 + "px";
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  canvas.addEventListener("pointerup", e => { if (drag && !drag.moved) choose(nearest(...mouse(e), 12)); drag = null; });
  canvas.addEventListener("keydown", e => {
    const to = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[e.key];
    if (to && e.shiftKey) { view.x += 0.1 * to[0] * view.w; view.y -= 0.1 * to[1] * view.h; draw(); }
    else if (to) { const p = beside(...to); if (p) choose(p); }
    else if (e.key === "+" || e.key === "=") zoom(1 / 1.2); else if (e.key === "-") zoom(1.2); else if (e.key === "0") reset(); else return;
    e.preventDefault();
  });
  get("reset").addEventListener("click", reset);
  get("colour").addEventListener("change", e => { by = e.target.value; draw(); });
  get("shows").addEventListener("change", e => { shows = e.target.value; by = shows === "clusters" ? "cluster" : "category"; get("colour").value = by; reset(); });
  get("colour").parentNode.hidden = !data.clusters.length;
  get("shows").parentNode.hidden = !(data.points.some(p => p[2] !== null) && data.points.some(p => p[1] !== null));
  if (!data.points.some(p => p[1] !== null)) { shows = "clusters"; by = "cluster"; }
  addEventListener("resize", draw); matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  reset();
}

// ---- the table
const STEP = 50; let most = STEP;
for (const id of ["category", "cluster", "split"]) {
  const values = [...new Set(data.rows.map(r => r[at[id]]).filter(v => v !== null && v !== ""))].sort((a, b) => String(a).localeCompare(String(b), "en", {numeric: true}));
  for (const value of values) { const option = make("option", value); option.value = value; get(id).append(option); }
  get(id).parentNode.hidden = values.length < 2 && id !== "split" || !values.length;
}
const ORDERS = {
  worst: null,
  unsure: (a, b) => (a[at.sure] ?? 2) - (b[at.sure] ?? 2),
  sure: (a, b) => (b[at.sure] ?? -1) - (a[at.sure] ?? -1),
  hard: (a, b) => (a[at.confidence] ?? 2) - (b[at.confidence] ?? 2),
  ambiguous: (a, b) => (b[at.variability] ?? -1) - (a[at.variability] ?? -1),
};
function line(r) {
  const tr = make("tr"), name = make("td"), button = make("button", r[at.example_id], "name");
  button.type = "button"; button.setAttribute("aria-expanded", "false"); name.append(button, make("br"), make("small", r[at.split])); tr.append(name);
  for (const key of ["input", "target", "prediction"]) { const td = make("td"); if (r[at[key]] !== null) td.append(make("div", r[at[key]], "clip")); tr.append(td); }
  tr.append(make("td", r[at.right], r[at.right] === "no" ? "bad" : "good"), make("td", number(r[at.sure]), "n"));
  const map = make("td"); if (r[at.category]) map.append(make("div", r[at.category])); if (r[at.confidence] !== null) map.append(make("small", number(r[at.confidence]) + " ± " + number(r[at.variability]))); if (r[at.cluster] !== null) map.append(make("div", r[at.cluster], "soft"));
  tr.append(map, make("td", r[at.findings]));
  // On a narrow screen a row becomes a list, and each line says what it is.
  ["", "input", "target", "prediction", "right", "sure", "map", "findings"].forEach((label, i) => { if (label) tr.children[i].dataset.label = label; });
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "true"; button.setAttribute("aria-expanded", String(!open));
    if (open) return tr.nextSibling.remove();
    const more = make("tr"), td = make("td", null, "open"); td.colSpan = 8; td.append(whole(r)); more.append(td); tr.after(more);
  });
  return tr;
}
function fill() {
  const find = get("find").value.toLowerCase(), wrong = get("wrong").checked, found = get("found").checked, order = ORDERS[get("order").value];
  const want = ["category", "cluster", "split"].map(id => [at[id], get(id).value]).filter(([, v]) => v);
  const hits = data.rows.filter(r => want.every(([i, v]) => String(r[i]) === v) && (!wrong || r[at.right] === "no") && (!found || r[at.findings]) && (!find || r.some(c => c !== null && String(c).toLowerCase().includes(find))));
  if (order) hits.sort(order);
  get("rows").replaceChildren(...hits.slice(0, most).map(line));
  get("none").hidden = hits.length > 0;
  get("count").textContent = hits.length.toLocaleString("en") + " of " + data.of.toLocaleString("en") + (data.rows.length < data.of ? " (the " + data.rows.length.toLocaleString("en") + " worst are kept in this page)" : "");
  const left = hits.length - most; get("more").hidden = left <= 0; get("more").textContent = "show " + Math.min(left, 4 * STEP).toLocaleString("en") + " more";
}
for (const id of ["find", "category", "cluster", "split", "wrong", "found", "order"]) get(id).addEventListener("input", () => { most = STEP; fill(); });
get("more").addEventListener("click", () => { most += 4 * STEP; fill(); });
fill();

// ---- on paper: light, and nothing folded away
let folded = [];
addEventListener("beforeprint", () => { document.documentElement.dataset.paper = ""; folded = [...document.querySelectorAll("details:not([open])")]; for (const d of folded) d.open = true; if (canvas) draw(); });
addEventListener("afterprint", () => { delete document.documentElement.dataset.paper; for (const d of folded) d.open = false; if (canvas) draw(); });
})();
