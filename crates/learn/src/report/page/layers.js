// How the layers did: gradients, units that no longer learn, and where the numbers of each weight lay from epoch to epoch.

function layers() {
  const records = run.layers;
  if (!records || records.length < 2) return;
  const x = records.map((record) => record.epoch);
  const weights = records[0].parameters.map((parameter, at) => ({ name: parameter.name, at })).filter(({ name }) => name.endsWith("weight"));
  const word = (name) => { const layer = Number(name.split(".")[0]); return `${name} (${(run.words[layer] || "").split(",")[0]})`; };
  const series = (pick) => weights.map(({ name, at }) => ({ label: word(name), values: records.map((record) => pick(record.parameters[at])) }));
  const shares = (key) => records[0].outputs.map((output, at) => ({ output, at })).filter(({ output }) => output[key] !== undefined)
    .map(({ output, at }) => ({ label: `${output.layer}.${output.word}`, values: records.map((record) => record.outputs[at][key] ?? null) }));
  const [dead, flat] = [shares("dead"), shares("saturated")];
  place("layers", [
    chart({ title: "Gradient of each weight (root mean square)", x, log: true, lines: series((parameter) => parameter.gradient_rms), note: "On a logarithmic scale. Layers far below the others learn slowly." }),
    chart({ title: "Size of each weight (root mean square)", x, lines: series((parameter) => parameter.rms) }),
    dead.length ? chart({ title: "Dead units", x, range: [0, 1], digits: percent, lines: dead, note: "Of each relu, the share of units that gave 0 for every row that was looked at." }) : null,
    flat.length ? chart({ title: "Saturated outputs", x, range: [0, 1], digits: percent, lines: flat, note: "Of each sigmoid or tanh, the share of outputs where it is nearly flat." }) : null,
  ].filter(Boolean));
  const heats = records[0].parameters.flatMap((parameter, at) => [
    heat(word(parameter.name), x, records.map((record) => record.parameters[at].values)),
    heat(`gradient of ${parameter.name}`, x, records.map((record) => record.parameters[at].gradients)),
  ]);
  add("layers", element("h3", { style: "margin-top: 1.4rem" }, "Where the numbers lie, epoch by epoch"),
    element("p", { className: "soft" }, "From left to right the epochs, from bottom to top the numbers; the stronger the color, the more of them."),
    element("div", { className: "grid" }, heats.map((made) => made.box)));
  heats.forEach((made) => drawn(made.draw));
}

/** Histograms side by side on one scale. */
function heat(title, epochs, histograms) {
  const rows = 64;
  const low = Math.min(...histograms.map((h) => h.low));
  const high = Math.max(...histograms.map((h) => h.high));
  const canvas = element("canvas", { className: "heat", width: histograms.length, height: rows, role: "img", "aria-label": `${title}: from ${short(low)} to ${short(high)} over ${epochs.length} records` });
  const draw = () => {
    const ink = color("good").split(",").map(Number);
    const pixels = new ImageData(histograms.length, rows);
    histograms.forEach((histogram, column) => {
      const share = spread(histogram, low, high, rows);
      const most = Math.max(...share, 1e-12);
      share.forEach((part, row) => {
        const at = 4 * ((rows - 1 - row) * histograms.length + column);
        pixels.data.set([...ink, Math.round(255 * Math.sqrt(part / most))], at);
      });
    });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  };
  const box = element("div", {}, element("h3", {}, title), canvas,
    element("div", { className: "ends" }, element("span", {}, `epoch ${epochs[0]}`), element("span", {}, `${short(low)} to ${short(high)}`), element("span", {}, `epoch ${epochs[epochs.length - 1]}`)));
  return { box, draw };
}

/** A histogram's counts, dealt out over `rows` equal parts from `low` to `high`. */
function spread({ low: from, high: to, counts }, low, high, rows) {
  const out = new Array(rows).fill(0);
  const place = (value) => (high > low ? ((value - low) / (high - low)) * rows : rows / 2);
  const width = (to - from) / counts.length;
  counts.forEach((count, part) => {
    const [begin, end] = [place(from + part * width), place(from + (part + 1) * width)];
    if (end - begin < 1e-9) { out[Math.min(Math.floor(begin), rows - 1)] += count; return; }
    for (let row = Math.floor(begin); row < Math.min(Math.ceil(end), rows); row++) {
      out[row] += (count * Math.max(Math.min(end, row + 1) - Math.max(begin, row), 0)) / (end - begin);
    }
  });
  return out;
}

function filters() {
  const { filters } = run;
  if (!filters) return;
  const [channels, height, width] = filters.shape;
  const bytes = bytesOf(filters.bytes);
  const size = channels * height * width;
  const tile = (number) => {
    const canvas = element("canvas", { width, height, role: "img", "aria-label": `unit ${number + 1}`, title: `unit ${number + 1}` });
    canvas.style.height = `${(64 * height) / width}px`;
    return { canvas, draw: () => {
      const pixels = new ImageData(width, height);
      for (let at = 0; at < width * height; at++) {
        const of = (channel) => (bytes[number * size + channel * width * height + at] - 128) / 127;
        const rgba = channels === 3 ? [0, 1, 2].map((channel) => 127 + 127 * of(channel)).concat(255) : tint(of(0));
        pixels.data.set(rgba, 4 * at);
      }
      canvas.getContext("2d").putImageData(pixels, 0, 0);
    } };
  };
  const tiles = Array.from({ length: filters.count }, (_, number) => tile(number));
  const what = channels === 3 ? "as red, green and blue around gray" : "positive in one color, negative in the other, 0 in none";
  add("filters", element("p", { className: "soft" }, `How ${filters.count === filters.of ? `the ${filters.of} units` : `the first ${filters.count} of the ${filters.of} units`} of the first layer look at an image: their weights, ${what}; the largest is ${short(filters.largest)}.`),
    element("div", { className: "tiles" }, tiles.map((made) => made.canvas)));
  tiles.forEach((made) => drawn(made.draw));
}

function tint(value) {
  const ink = color(value < 0 ? "bad" : "good").split(",").map(Number);
  return [...ink, Math.round(255 * Math.abs(value))];
}
