// What the page can't do by itself: follow the figures, tell a chart's figures on hover, and move in
// charts with the arrow keys. Everything else works without.
"use strict";

const status = document.getElementById("live");
const tip = document.body.appendChild(document.createElement("div"));
tip.id = "tip";
// It says what the mark's own label says.
tip.setAttribute("aria-hidden", "true");
tip.hidden = true;

// Charts and tables are asked for anew at most this often.
const CHARTS_EVERY_MS = 5000;
let chartsAreOld = false;
let chartsAt = Date.now();

function follow() {
  const events = new EventSource("/live");
  events.addEventListener("board", (event) => {
    const { title, parts } = JSON.parse(event.data);
    document.title = title;
    for (const [id, text] of Object.entries(parts)) replace(id, text);
    status.textContent = "";
    chartsAreOld = true;
  });
  events.onerror = () => {
    status.textContent = "Spendbar does not answer. The figures are those of before.";
  };
}

// Puts new content into an element and keeps what the user is at: the focus and open tables.
function replace(id, text) {
  const element = document.getElementById(id);
  if (!element) return;
  const focused = element.contains(document.activeElement) ? path(document.activeElement, element) : null;
  const open = [...element.querySelectorAll("details")].map((it) => it.open);
  element.innerHTML = text;
  layLinks(element);
  element.querySelectorAll("details").forEach((it, index) => { it.open = open[index] ?? false; });
  if (focused) at(focused, element)?.focus({ preventScroll: true });
}

function path(node, root) {
  const steps = [];
  for (; node !== root; node = node.parentElement) steps.unshift([...node.parentElement.children].indexOf(node));
  return steps;
}

function at(steps, root) {
  return steps.reduce((node, step) => node?.children[step], root);
}

// The year is a picture; over each day lies a link of the list beside it.
function layLinks(element) {
  const make = (name, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  for (const chart of element.querySelectorAll(".heat")) {
    const skip = Number(chart.dataset.skip);
    const days = [...chart.closest("figure").querySelectorAll("[data-at]")].reverse();
    const chosen = chart.querySelector(".chosen");
    const links = days.map((day) => {
      const place = Number(day.dataset.at) + skip;
      const x = Math.floor(place / 7) * 12, y = (place % 7) * 12 + 14;
      const link = make("a", { href: day.getAttribute("href"), "aria-label": day.textContent, tabindex: -1 });
      link.append(make("rect", { class: "hit", x, y, width: 10, height: 10, rx: 2 }));
      return link;
    });
    if (!links.length) continue;
    const at = chosen && links.findIndex((link) => ["x", "y"].every((it) =>
      link.firstChild.getAttribute(it) === chosen.getAttribute(it)));
    (links[at ?? -1] ?? links.at(-1)).setAttribute("tabindex", 0);
    chart.append(...links);
    chart.setAttribute("role", "group");
    chart.setAttribute("aria-label", chart.getAttribute("aria-label") + " Arrow keys move from day to day.");
  }
}

async function renewCharts() {
  const isAtIt = document.querySelector("#where :hover, #session :hover, #when :hover") && !tip.hidden;
  if (!chartsAreOld || document.hidden || isAtIt || Date.now() - chartsAt < CHARTS_EVERY_MS) return;
  chartsAreOld = false;
  chartsAt = Date.now();
  try {
    const answer = await fetch("/parts" + location.search, { credentials: "same-origin" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const sections = [...page.querySelectorAll("section")];
    const shown = document.querySelectorAll("main > section:not(#today, #trust)");
    // A first agent or budget brings other sections along: the page is another one then.
    if (String([...shown].map((it) => it.id)) !== String(sections.map((it) => it.id))) return location.reload();
    // What somebody types there must stay.
    for (const section of sections) if (!document.querySelector(`#${section.id} input`)) replace(section.id, section.innerHTML);
  } catch {
    chartsAreOld = true;
  }
}

const CHART = ":is(.bars, .heat)";

// A chart's mark says its figures in a title of its own; here they are shown at once, for the
// keyboard too.
function mark(target) {
  return target instanceof Element ? target.closest(CHART + " a") : null;
}

function show(link) {
  const title = link.querySelector("title");
  if (title) {
    link.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  tip.textContent = link.getAttribute("aria-label");
  tip.hidden = false;
  const place = link.getBoundingClientRect();
  const left = Math.min(Math.max(8, place.left + place.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 8);
  const above = place.top - tip.offsetHeight - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 0 ? above : place.bottom + 8}px`;
}

document.addEventListener("pointerover", (event) => {
  const link = mark(event.target);
  if (link) show(link); else tip.hidden = true;
});
document.addEventListener("focusin", (event) => {
  const link = mark(event.target);
  if (link) show(link); else tip.hidden = true;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.hidden = true;
  const link = mark(event.target);
  if (!link) return;
  const links = [...link.closest(CHART).querySelectorAll("a")];
  const step = link.closest(".heat") ? { ArrowLeft: -7, ArrowRight: 7, ArrowUp: -1, ArrowDown: 1 } : { ArrowLeft: -1, ArrowRight: 1 };
  const to = { Home: 0, End: links.length - 1 }[event.key] ?? links.indexOf(link) + (step[event.key] ?? NaN);
  if (!links[to]) return;
  event.preventDefault();
  links.forEach((other) => other.setAttribute("tabindex", "-1"));
  links[to].setAttribute("tabindex", "0");
  links[to].focus();
});

function begin() {
  layLinks(document);
  follow();
  setInterval(renewCharts, 1000);
}

// What is there already is to be seen first; a page that nobody sees has no frames to wait for.
if (document.hidden) begin(); else requestAnimationFrame(() => setTimeout(begin));
