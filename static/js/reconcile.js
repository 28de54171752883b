// Reconcile's own script: keys, the current row, the selection and toasts; the platform and htmx do the rest.
// What templates write:
//   data-row="17" and an id   a row or card that J and K visit; its value goes into every <input data-current> (for hx-include)
//   data-group and an id      a tbody or list of rows: ] and [ jump between groups; a button with data-fold in it folds its rows
//   data-key="approve"        what a key clicks (KEYS below), or focuses if it is a field; searched in the open popover, the current
//                             row, the panel, then the page. "clear" and "close" answer Esc. Buttons that write need hx-disabled-elt
//   data-select               the row's tick box. Its row has data-account, data-units, data-amount, data-effective, data-currency,
//                             and data-worth: the amount in the currency of data-bulk, empty where no rate is known
//   data-select-all           ticks all of its data-group, or of the page when it stands outside of one
//   data-bulk                 shown while something is selected, with data-total="count|accounts|up|down|units|amount|effective"
//                             in it, and data-one="account" data-many="accounts" where a word follows the number
//                             count-fit, amount-fit, effective-fit look only at rows with data-fit: those that can be approved together; a
//                             button with data-fit-only rests while there are none. A key of TOGETHER clicks "dismiss-all" and so on instead
//   data-lines, data-view     on the list: how many lines the view has on all its pages, and the address that names it
//   data-whole-view           a button that selects all of them: the field data-whole then carries that address, and data-whole-note shows; data-view-lines says how many they are
//   data-close-panel          a button that puts the details panel away
//   data-open                 a dialog or popover in a swapped fragment: opens when it arrives, is removed when closed
//   data-then-reload          on such a dialog: the page behind it is out of date, and is loaded anew when it closes
//   data-said="units"         in a dialog: where a refusal of that field is said; one that names no field is said at the dialog's first, or its end
//   data-seconds              on a toast: how long it stays (8; 0 is for ever). Events from HX-Trigger: toast, close-dialogs, clear-selection

const KEYS = {
  Enter: "approve", "Shift+Enter": "approve-all", e: "edit", d: "date", r: "dismiss", z: "snooze", t: "ticket",
  w: "why", u: "undo", o: "open", s: "find", n: "exclude", "/": "search", "?": "help",
};
// What acts on the selection while there is one, by the name with "-all" behind it.
const TOGETHER = new Set(["dismiss", "snooze", "date"]);
const MOVES = { j: () => step(1), k: () => step(-1), "]": () => stepGroup(1), "[": () => stepGroup(-1) };
const GAP = "—";
const memory = { row: "", order: [], focus: null, picked: new Set(), anchor: "", whole: "", folded: new Set(), shift: false };

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const rows = () => all("[data-row]").filter((row) => row.checkVisibility());
const current = () => document.querySelector("[data-row][aria-current]");
const list = () => document.querySelector("[data-lines]");
const tickOf = (row) => row?.querySelector("[data-select]:not(:disabled)");

// ---- The current row --------------------------------------------------------------------------

function makeCurrent(row) {
  if (current() !== row) current()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  memory.row = row.id;
  memory.order = rows().map((one) => one.id);
  for (const input of all("input[data-current]")) input.value = row.dataset.row;
}

function visit(row) {
  if (!row) return;
  makeCurrent(row);
  row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const list = rows();
  const at = list.indexOf(current());
  visit(at < 0 ? list[by > 0 ? 0 : list.length - 1] : list[at + by]);
}

function stepGroup(by) {
  const groups = [...new Set(rows().map((row) => row.closest("[data-group]")))];
  const at = groups.indexOf(current()?.closest("[data-group]") ?? null);
  const group = groups[at < 0 ? 0 : at + by];
  visit(rows().find((row) => row.closest("[data-group]") === group));
}

// ---- The selection ----------------------------------------------------------------------------

function pick(row, on) {
  const tick = tickOf(row);
  if (!tick) return;
  tick.checked = on;
  if (on) memory.picked.add(row.id);
  else memory.picked.delete(row.id);
}

function pickUpTo(row, on) {
  const list = rows();
  const ends = [list.indexOf(document.getElementById(memory.anchor)), list.indexOf(row)];
  const from = ends[0] < 0 ? ends[1] : Math.min(...ends);
  for (const one of list.slice(from, Math.max(...ends) + 1)) pick(one, on);
  memory.anchor = row.id;
  showTotals();
}

function toggle(row, range) {
  const tick = tickOf(row);
  if (range) pickUpTo(row, true);
  else if (tick) ticked(tick, !tick.checked, false);
}

function ticked(tick, on, range) {
  memory.whole = "";
  const row = tick.closest("[data-row]");
  makeCurrent(row);
  if (range) pickUpTo(row, on);
  else pick(row, on);
  memory.anchor = row.id;
  showTotals();
}

function tickAll(box) {
  memory.whole = "";
  for (const tick of all("[data-select]:not(:disabled)", box.closest("[data-group]") ?? document)) {
    pick(tick.closest("[data-row]"), box.checked);
  }
  showTotals();
}

function selectWholeView() {
  memory.whole = list()?.dataset.view ?? "";
  for (const tick of all("[data-select]:not(:disabled)")) pick(tick.closest("[data-row]"), true);
  showTotals();
}

function clearSelection() {
  memory.whole = "";
  for (const tick of all("[data-select]:checked")) pick(tick.closest("[data-row]"), false);
  showTotals();
}

// ---- Totals: whole hundred-millionths, because floating point loses cents ------------------------

function exact(text) {
  const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text ?? "");
  return parts ? BigInt(parts[1] + parts[2] + (parts[3] ?? "").padEnd(8, "0").slice(0, 8)) : null;
}

function decimal(number) {
  const digits = String(number < 0n ? -number : number).padStart(9, "0");
  return `${number < 0n ? "-" : ""}${digits.slice(0, -8)}.${digits.slice(-8)}`;
}

function sum(values) {
  const numbers = values.map(exact);
  return numbers.includes(null) ? null : numbers.reduce((total, one) => total + one, 0n);
}

function written(number, style) {
  if (number === null) return GAP;
  const format = new Intl.NumberFormat("en-US", { signDisplay: "exceptZero", maximumFractionDigits: 4, ...style });
  return format.format(decimal(number)).replace("-", "−");
}

function money(picked, bulk) {
  const shown = bulk.dataset.currency || "USD";
  const write = (number, currency) => written(number, { style: "currency", currency, maximumFractionDigits: undefined });
  const currencyOf = (row) => row.dataset.currency || shown;
  // A selection of held lines has none that is approved together: their sum is nothing.
  const currencies = picked.length ? [...new Set(picked.map(currencyOf))] : [shown];
  const worth = sum(picked.map((row) => row.dataset.worth));
  if (worth !== null && currencies.some((one) => one !== shown)) return `≈ ${write(worth, shown)}`;
  const of = (currency) => picked.filter((row) => currencyOf(row) === currency).map((row) => row.dataset.amount);
  return currencies.map((currency) => write(sum(of(currency)), currency)).join(", ");
}

function effective(picked) {
  const days = new Set(picked.map((row) => row.dataset.effective));
  return days.size === 1 ? ([...days][0] ?? GAP) : `${days.size} dates`;
}

const fit = (picked) => picked.filter((row) => "fit" in row.dataset);
const TOTALS = {
  "count-fit": (picked) => fit(picked).length,
  "amount-fit": (picked, bulk) => money(fit(picked), bulk),
  "effective-fit": (picked) => effective(fit(picked)),
  count: (picked) => picked.length,
  accounts: (picked) => new Set(picked.map((row) => row.dataset.account)).size,
  up: (picked) => picked.filter((row) => (exact(row.dataset.units) ?? 0n) > 0n).length,
  down: (picked) => picked.filter((row) => (exact(row.dataset.units) ?? 0n) < 0n).length,
  units: (picked) => written(sum(picked.map((row) => row.dataset.units)), {}),
  amount: money,
  effective,
};

function showTotals() {
  const picked = all("[data-row]").filter((row) => row.querySelector("[data-select]:checked"));
  for (const bulk of all("[data-bulk]")) {
    bulk.hidden = picked.length === 0;
    for (const place of bulk.hidden ? [] : all("[data-total]", bulk)) {
      const value = TOTALS[place.dataset.total](picked, bulk);
      const word = value === 1 ? place.dataset.one : place.dataset.many;
      place.textContent = word ? `${value} ${word}` : value;
    }
    if (!bulk.hidden) showReach(bulk, picked);
  }
  for (const box of all("[data-select-all]")) showShare(box);
}

// How far the selection reaches: what is ticked, or every line of the view, also those of other pages.
function showReach(bulk, picked) {
  const here = list()?.dataset;
  const whole = memory.whole !== "" && memory.whole === here?.view;
  for (const field of all("[data-whole]", bulk)) field.value = whole ? memory.whole : "";
  for (const note of all("[data-whole-note]", bulk)) note.hidden = !whole;
  for (const part of all("[data-part]", bulk)) part.hidden = whole;
  for (const place of all("[data-view-lines]", bulk)) place.textContent = Number(here?.lines ?? 0).toLocaleString("en-US");
  for (const button of all("[data-whole-view]", bulk)) button.hidden = whole || !(Number(here?.lines) > picked.length);
  for (const button of all("[data-fit-only]", bulk)) button.disabled = !whole && fit(picked).length === 0;
}

function showShare(box) {
  const ticks = all("[data-select]:not(:disabled)", box.closest("[data-group]") ?? document);
  const on = ticks.filter((tick) => tick.checked).length;
  box.disabled = ticks.length === 0;
  box.checked = on > 0 && on === ticks.length;
  box.indeterminate = on > 0 && on < ticks.length;
}

// ---- Groups that fold -------------------------------------------------------------------------

function fold(group, folded) {
  const button = group.querySelector("[data-fold]");
  if (!button) return;
  button.setAttribute("aria-expanded", String(!folded));
  for (const row of group.children) row.hidden = folded && !row.contains(button);
  if (folded) memory.folded.add(group.id);
  else memory.folded.delete(group.id);
}

// ---- After htmx has swapped something ------------------------------------------------------------

let due = false;

// htmx speaks once for each element of a swap; one look at the page is enough for all of them.
function restoreSoon(source) {
  openArrived(source);
  if (due) return;
  due = true;
  queueMicrotask(() => {
    due = false;
    restore();
  });
}

function restore() {
  for (const id of memory.folded) {
    const group = document.getElementById(id);
    if (group) fold(group, true);
  }
  for (const id of memory.picked) {
    const tick = tickOf(document.getElementById(id));
    if (tick) tick.checked = true;
    else memory.picked.delete(id);
  }
  restoreCurrent();
  restoreFocus();
  showTotals();
}

function restoreCurrent() {
  if (!memory.row) return;
  const at = memory.order.indexOf(memory.row);
  const near = [...memory.order.slice(at), ...memory.order.slice(0, Math.max(at, 0)).reverse()];
  const row = [memory.row, ...near].map((id) => document.getElementById(id)).find((one) => one?.dataset.row);
  if (row) makeCurrent(row);
}

// Only a focus that the swap has taken away comes back; one that the person has moved stays where it is.
function restoreFocus() {
  const lost = memory.focus;
  if (!lost || lost.target.isConnected || document.activeElement !== document.body) return;
  const row = document.getElementById(lost.row) ?? current();
  const same = (lost.id && document.getElementById(lost.id)) || (lost.key && row?.querySelector(`[data-key="${lost.key}"]`));
  if (row) row.tabIndex = -1;
  (same || row)?.focus({ preventScroll: true });
}

function rememberFocus(target) {
  const row = target.closest("[data-row]");
  memory.focus = { target, id: target.id, row: row?.id, key: target.dataset.key };
  if (row) makeCurrent(row);
}

function openArrived(source) {
  for (const dialog of all("dialog[data-open]:not([open])")) dialog.showModal();
  for (const pop of all("[popover][data-open]:not(:popover-open)")) pop.showPopover({ source });
}

function removeClosed(overlay) {
  if (!overlay.matches("[data-open]") || overlay.matches(":popover-open, dialog[open]")) return;
  if (overlay.matches("[data-then-reload]")) location.reload();
  overlay.remove();
  restoreFocus();
}

function closeDialogs() {
  for (const dialog of all("dialog[open]")) {
    dialog.close();
    removeClosed(dialog);
  }
}

// ---- Keys -----------------------------------------------------------------------------------------

const isField = (element) => element.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const isPressed = (element) => element.matches?.("a[href], button, summary, label");

function targetOf(name) {
  const selector = `[data-key="${name}"]`;
  const last = name === "undo" ? all(`.toasts ${selector}`).at(-1) : undefined;
  return (
    last ??
    document.querySelector(":popover-open")?.querySelector(selector) ??
    current()?.querySelector(selector) ??
    document.querySelector(`.panel ${selector}`) ??
    all(selector).find((one) => !one.closest("[data-row], dialog"))
  );
}

function press(name) {
  const target = targetOf(name);
  if (!target) return false;
  if (isField(target)) {
    target.focus();
    target.select?.();
  } else if (!target.disabled && target.ariaBusy !== "true" && !target.closest(".htmx-request")) {
    target.click();
  }
  return true;
}

function escape(field) {
  if (document.querySelector(":popover-open, dialog:modal")) return false;
  if (field) field.blur();
  else if (!press("close")) clearSelection();
  return true;
}

function letter(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key.length === 1 && document.body.dataset.singleKeys === "off") return false;
  if (key === "x" && current()) return toggle(current(), event.shiftKey), true;
  if (key in MOVES) return MOVES[key](), true;
  if (event.repeat || (key === "Enter" && isPressed(event.target))) return false;
  if (/^[1-9]$/.test(key)) return press(`pick-${key}`);
  const name = KEYS[event.shiftKey && key === "Enter" ? "Shift+Enter" : key];
  if (name === undefined) return false;
  const together = TOGETHER.has(name) && document.querySelector("[data-bulk]:not([hidden])") && !document.querySelector(":popover-open");
  return (together && press(`${name}-all`)) || press(name);
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  const field = isField(event.target) ? event.target : null;
  if (event.key === "Escape") {
    if (escape(field)) event.preventDefault();
  } else if (!field && !document.querySelector("dialog:modal") && letter(event)) {
    event.preventDefault();
  }
}

// ---- Toasts -----------------------------------------------------------------------------------------

function say(text, seconds) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.dataset.seconds = seconds;
  toast.textContent = text;
  document.getElementById("toasts")?.append(toast);
}

function expire(toast) {
  const seconds = Number(toast.dataset?.seconds ?? 8);
  if (!seconds) return;
  setTimeout(() => (toast.matches(":hover, :focus-within") ? expire(toast) : toast.remove()), seconds * 1000);
}

function failed(event) {
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const said = page.getElementById("said");
  const text = said?.textContent.trim() || "That did not work, and it is our fault. Reload the page to see what was done.";
  const dialog = event.detail.elt?.closest?.("dialog[open]");
  if (dialog) sayIn(dialog, said?.dataset.field, text);
  else say(text, 20);
}

// A toast would stand behind the dialog, one for each try. What was typed stays, and the field has the focus.
function sayIn(dialog, name, text) {
  const place = dialog.querySelector(`[data-said="${name}"]`) ?? dialog.querySelector("[data-said]") ?? addPlace(dialog);
  place.textContent = text;
  const field = place.dataset.said && place.dataset.said === name && dialog.querySelector(`[name="${name}"]`);
  if (!field) return place.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-errormessage", (place.id ||= `said-${name}`));
  field.focus();
}

function addPlace(dialog) {
  const place = document.createElement("p");
  Object.assign(place, { className: "error", role: "alert" });
  place.dataset.said = "";
  (dialog.querySelector(".body") ?? dialog).append(place);
  return place;
}

// The next try begins without the last one's refusal, so that the same one is heard again.
function unsay(event) {
  const dialog = event.detail.elt?.closest?.("dialog[open]");
  for (const place of dialog ? all("[data-said]", dialog) : []) place.textContent = "";
  for (const field of dialog ? all("[aria-errormessage]", dialog) : []) field.removeAttribute("aria-invalid");
}

// ---- Wiring -----------------------------------------------------------------------------------------

function clicked(event) {
  memory.shift = event.shiftKey;
  const target = event.target;
  if (target.closest("[data-key=clear]")) clearSelection();
  if (target.closest("[data-whole-view]")) selectWholeView();
  if (target.closest("[data-close-panel]")) target.closest(".panel").hidden = true;
  // A link in a menu leaves it: the focus is back on what opened the menu before the page changes.
  target.closest("[popover] a.item")?.closest("[popover]").hidePopover();
  const folder = target.closest("[data-fold]");
  if (folder) fold(folder.closest("[data-group]"), folder.getAttribute("aria-expanded") === "true");
  const row = target.closest("[data-row]");
  if (row) makeCurrent(row);
}

function changed(event) {
  const tick = event.target;
  if (tick.matches("[data-select]")) ticked(tick, tick.checked, memory.shift);
  if (tick.matches("[data-select-all]")) tickAll(tick);
  if (tick.id === "stay") sessionStorage.setItem("stay", tick.checked ? "1" : "");
}

function signedOut(event) {
  const path = new URL(event.detail.xhr.responseURL || location.href).pathname;
  if (path !== document.body.dataset.signIn || path === location.pathname) return;
  event.detail.shouldSwap = false;
  location.reload();
}

document.addEventListener("keydown", pressed);
document.addEventListener("click", clicked);
document.addEventListener("change", changed);
document.addEventListener("focusin", (event) => rememberFocus(event.target));
document.addEventListener("close", (event) => removeClosed(event.target), true);
document.addEventListener("toggle", (event) => removeClosed(event.target), true);
document.addEventListener("toast", (event) => say(event.detail.value ?? event.detail.text, 8));
document.addEventListener("clear-selection", clearSelection);
// Later: what asked is inside the dialog, and htmx looks for the places of its answer from there.
document.addEventListener("close-dialogs", () => queueMicrotask(closeDialogs));
document.addEventListener("htmx:beforeSwap", signedOut);
document.addEventListener("htmx:afterSettle", (event) => restoreSoon(event.detail.requestConfig?.elt));
document.addEventListener("htmx:afterOnLoad", () => restoreSoon());
document.addEventListener("htmx:beforeRequest", unsay);
document.addEventListener("htmx:responseError", failed);
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => say("No answer from Reconcile. Check your connection, then reload the page.", 20));
}

const toasts = document.getElementById("toasts");
if (toasts) {
  [...toasts.children].forEach(expire);
  new MutationObserver((list) => list.forEach((one) => one.addedNodes.forEach((node) => node.dataset && expire(node)))).observe(toasts, { childList: true });
}
const stay = document.getElementById("stay");
if (stay) stay.checked = sessionStorage.getItem("stay") === "1";
// The browser gives ticks back when someone returns to the page, and does so before this event.
window.addEventListener("pageshow", () => {
  if (current()) makeCurrent(current());
  for (const tick of all("[data-select]:checked")) pick(tick.closest("[data-row]"), true);
  showTotals();
});
