// What the network made of rows that it had not seen: the confusion matrix, calibration, errors, and the worst mistakes.

function heldOut() {
  const seen = run.held_out;
  if (!seen) return;
  add("held-out", element("p", { className: "soft" }, `The ${seen.rows.toLocaleString("en")} rows of the ${seen.part} part.`));
  const parts = [];
  if (seen.classes) {
    parts.push(matrix(seen.classes.confusion, run.target.classes));
    parts.push(calibration(seen.classes.calibration));
  }
  if (seen.numbers) {
    parts.push(points(seen.numbers.points));
    parts.push(bars("Errors", seen.numbers.errors, "predicted − true"));
  }
  add("held-out", element("div", { className: "grid" }, parts));
  parts.forEach((part) => part.ready && part.ready());
  mistakes(seen);
}

function matrix(counts, names) {
  if (counts.length === 0) return element("div", {}, element("h3", {}, "Confusion matrix"), element("p", {}, `Not shown: there are ${names.length} classes.`));
  const sums = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const cell = (count, row, column) => element("td", {
    style: count ? `background: rgba(var(--${row === column ? "good" : "bad"}), ${(0.12 + 0.78 * (count / sums[row])).toFixed(3)})` : "",
    title: `${count} of ${sums[row]} that are ${names[row]} were taken for ${names[column]}`,
  }, count ? String(count) : "·");
  const body = counts.map((row, at) => element("tr", {}, element("th", { scope: "row" }, names[at]), row.map((count, column) => cell(count, at, column)), element("td", {}, sums[at] ? percent(row[at] / sums[at]) : "–")));
  const head = element("tr", {}, element("th", {}, "is \\ taken for"), names.map((name) => element("th", { scope: "col" }, name)), element("th", { scope: "col" }, "right"));
  return element("div", {}, element("h3", {}, "Confusion matrix"), element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "confusion matrix" },
    element("table", { className: "matrix" + (names.length > 20 ? " many" : "") }, element("thead", {}, head), element("tbody", {}, body))));
}

/** A picture by lines in SVG, which grows with its place. */
function svg(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children.flat());
  return made;
}

function square(label, axes, inside) {
  const text = (x, y, words, anchor = "middle") => svg("text", { x, y, "text-anchor": anchor, "font-size": 11, fill: "var(--soft)" }, words);
  return svg("svg", { viewBox: "0 -12 312 302", role: "img", "aria-label": label, style: "width: 100%; max-width: 380px; display: block" },
    svg("rect", { x: 44, y: 8, width: 246, height: 240, fill: "none", stroke: "var(--line)" }),
    text(44, 263, axes.low), text(290, 263, axes.high, "end"), text(167, 280, axes.x),
    text(40, 248, axes.low, "end"), text(40, 18, axes.high, "end"),
    svg("text", { x: 0, y: 0, "text-anchor": "middle", "font-size": 11, fill: "var(--soft)", transform: "translate(12 128) rotate(-90)" }, axes.y),
    inside((share) => 44 + 246 * share, (share) => 248 - 240 * share));
}

function calibration(bins) {
  const used = bins.filter((bin) => bin.rows);
  const most = Math.max(...used.map((bin) => bin.rows));
  const total = used.reduce((sum, bin) => sum + bin.rows, 0);
  const gap = used.reduce((sum, bin) => sum + Math.abs(bin.accuracy - bin.confidence) * bin.rows, 0) / total;
  const drawing = square("calibration", { low: "0", high: "1", x: "how sure it was", y: "how often it was right" }, (x, y) => [
    svg("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), stroke: "var(--soft)", "stroke-dasharray": "4 4" }),
    ...used.map((bin) => svg("circle", { cx: x(bin.confidence), cy: y(bin.accuracy), r: 3 + 7 * Math.sqrt(bin.rows / most), fill: "rgba(var(--good), .55)", stroke: "var(--first)" },
      svg("title", {}, `${bin.rows} rows: sure by ${percent(bin.confidence)}, right in ${percent(bin.accuracy)}`))),
  ]);
  return element("div", {}, element("h3", {}, "Calibration"), drawing,
    element("p", { className: "soft" }, `On the dashed line a probability means what it says; the larger a dot, the more rows it stands for. The mean distance is ${percent(gap)}.`),
    element("details", {}, element("summary", {}, "as a table"), table(["rows", "how sure", "how often right"], used.map((bin) => [short(bin.rows), percent(bin.confidence), percent(bin.accuracy)]))));
}

function points(pairs) {
  const all = pairs.flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const share = (value) => (high > low ? (value - low) / (high - low) : 0.5);
  const drawing = square("predicted against true", { low: short(low), high: short(high), x: "true", y: "predicted" }, (x, y) => [
    svg("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), stroke: "var(--soft)", "stroke-dasharray": "4 4" }),
    ...pairs.map(([truth, said]) => svg("circle", { cx: x(share(truth)), cy: y(share(said)), r: 2.4, fill: "rgba(var(--good), .55)" })),
  ]);
  return element("div", {}, element("h3", {}, "Predicted against true"), drawing, element("p", { className: "soft" }, `${pairs.length} rows at equal distances; on the dashed line a prediction is right.`));
}

function bars(title, histogram, words) {
  const { low, high, counts } = histogram;
  const most = Math.max(...counts, 1);
  const width = 300 / counts.length;
  const drawing = svg("svg", { viewBox: "0 0 300 160", role: "img", "aria-label": title, preserveAspectRatio: "none", style: "width: 100%; height: 220px; display: block; border-bottom: 1px solid var(--line)" },
    counts.map((count, at) => svg("rect", { x: at * width, y: 160 - (155 * count) / most, width: Math.max(width - 1, 0.5), height: (155 * count) / most, fill: "var(--first)" }, svg("title", {}, String(count)))),
    low < 0 && high > 0 ? svg("line", { x1: (-300 * low) / (high - low), x2: (-300 * low) / (high - low), y1: 0, y2: 160, stroke: "var(--soft)", "stroke-dasharray": "4 4" }) : []);
  return element("div", {}, element("h3", {}, title), drawing, element("div", { className: "ends" }, element("span", {}, short(low)), element("span", {}, words), element("span", {}, short(high))));
}

function mistakes(seen) {
  const told = (one) => (one.probability === undefined ? `true ${short(Number(one.truth))}, predicted ${short(Number(one.predicted))}` : `${one.truth}, taken for ${one.predicted}`);
  const sure = (one) => (one.probability === undefined ? "" : `, sure by ${percent(one.probability)}`);
  if (seen.worst.length === 0) {
    add("mistakes", element("p", {}, "None: every row was told right."));
    return;
  }
  const images = seen.worst.some((one) => one.example.image);
  add("mistakes", element("p", { className: "soft" }, seen.part === "test" ? "The rows with the largest loss. How the network came to an answer is shown by chainrule trace RUN --row N, N as below." : "The rows with the largest loss, each by its number in the data."),
    element("div", { className: images ? "cards" : "cards wide" }, seen.worst.map((one, at) => element("div", { className: "card" },
      one.example.image ? picture(one.example.image.shape, bytesOf(one.example.image.bytes)) : null,
      element("b", {}, told(one)), element("div", { className: "soft" }, `${seen.part === "test" ? `--row ${one.number}, row ${one.row} of the data` : `row ${one.row}`}${sure(one)}, loss ${short(one.loss)}`),
      one.example.cells ? element("details", { open: at < 8 && one.example.cells.length <= 12 }, element("summary", {}, "the row"), table(null, one.example.cells, "cells")) : null))));
}

/** Bytes of channels as a canvas: three of them as red, green and blue, else the first as gray. */
function picture([channels, height, width], bytes) {
  const canvas = element("canvas", { width, height, role: "img", "aria-label": `an image of ${width} by ${height}` });
  const pixels = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    for (let of = 0; of < 3; of++) pixels.data[4 * at + of] = bytes[(channels >= 3 ? of : 0) * width * height + at];
    pixels.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
