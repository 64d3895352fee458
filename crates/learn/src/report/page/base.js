"use strict";
// What every part of the page needs: the run, elements, numbers as people write them, colors of the theme.

const run = JSON.parse(document.getElementById("run").textContent);

/** An element with attributes and children; text is text and never markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && key !== "style") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** Shows a section and adds to it. */
function add(section, ...children) {
  const at = document.getElementById(section);
  at.hidden = false;
  at.append(...children.flat());
}

/** Four digits, or a whole number where it has more. */
function short(number) {
  if (number === null || number === undefined) return "–";
  const size = Math.abs(number);
  if (Number.isInteger(number) || (size >= 1e3 && size < 1e9)) return Math.round(number).toLocaleString("en");
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return number.toExponential(2);
  return String(Number(number.toPrecision(4)));
}

function percent(share) {
  return (100 * share).toFixed(share > 0 && share < 0.1 ? 2 : 1) + " %";
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/** Lines that can be told from one another in both themes, also where there are more than two. */
function lineColor(at) {
  const hues = [212, 28, 150, 330, 275, 50, 0, 185];
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return `hsl(${hues[at % hues.length]}, 75%, ${dark ? 68 : 42}%)`;
}

/** What has to be drawn anew when the theme changes. */
const drawings = [];
function drawn(draw) {
  drawings.push(draw);
  draw();
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawings.forEach((draw) => draw()));

/** A table with one row for each array. */
function table(head, rows, kind = "plain right") {
  const line = (cell, cells) => element("tr", {}, cells.map((text) => element(cell, {}, text)));
  const top = head ? element("thead", {}, line("th", head)) : null;
  return element("table", { className: kind }, top, element("tbody", {}, rows.map((row) => line("td", row))));
}

/** The bytes of a base64 text. */
function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
