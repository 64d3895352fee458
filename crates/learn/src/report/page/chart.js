// Lines over epochs, by uPlot: read by eye, by the pointer, by the arrow keys, and as a table.

/**
 * @param {{title: string, note?: string, x: number[], lines: {label: string, values: (number|null)[], color?: string, dash?: number[], point?: boolean}[],
 *   log?: boolean, mark?: number, between?: boolean, range?: [number, number], digits?: (number) => string}} of
 */
function chart(of) {
  const digits = of.digits || short;
  const host = element("div", {
    className: "chart",
    tabIndex: 0,
    role: "img",
    "aria-label": `${of.title}: ${of.lines.map((line) => line.label).join(", ")}. Arrow keys go from epoch to epoch.`,
  });
  let plot = null;
  const values = of.lines.map((line) => line.values.map((value) => (of.log && !(value > 0) ? null : value)));
  const known = values.flat().filter((value) => value !== null && value !== undefined);
  if (known.length === 0) return null;
  const log = of.log && Math.min(...known) > 0;

  const options = () => ({
    width: Math.max(host.clientWidth, 240),
    height: 230,
    scales: { x: { time: false }, y: log ? { distr: 3 } : of.range ? { range: of.range } : {} },
    cursor: { drag: { x: true, y: false } },
    axes: [
      { stroke: color("soft"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, size: 34 },
      {
        stroke: color("soft"),
        grid: { stroke: color("line"), width: 1 },
        ticks: { show: false },
        size: 58,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : digits(tick))),
      },
    ],
    series: [
      { label: "epoch" },
      ...of.lines.map((line, at) => ({
        label: line.label,
        stroke: line.color ? color(line.color) : lineColor(at),
        width: 2,
        dash: line.dash,
        points: { show: line.point || of.x.length < 12, size: line.point ? 9 : 5, fill: line.point && color(line.color) },
        spanGaps: true,
        value: (_, value) => (value === null || value === undefined ? "–" : digits(value)),
      })),
    ],
    hooks: { draw: [(u) => of.mark !== undefined && mark(u, of)] },
  });

  const make = () => {
    if (plot) plot.destroy();
    plot = new uPlot(options(), [of.x, ...values], host);
  };
  const box = element("div", {}, element("h3", {}, of.title), host, of.note ? element("p", { className: "soft" }, of.note) : null,
    element("details", {}, element("summary", {}, "as a table"), element("div", { className: "scroll" },
      table(["epoch", ...of.lines.map((line) => line.label)], of.x.map((x, row) => [String(x), ...of.lines.map((line) => digits(line.values[row]))])))));
  host.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !plot) return;
    event.preventDefault();
    const last = of.x.length - 1;
    const at = plot.cursor.idx === null || plot.cursor.idx === undefined ? (step > 0 ? 0 : last) : plot.cursor.idx + step;
    const within = Math.min(Math.max(at, 0), last);
    plot.setCursor({ left: plot.valToPos(of.x[within], "x"), top: plot.bbox.height / devicePixelRatio / 2 });
  });
  // Only once the page is laid out is it known how wide it may be.
  box.ready = () => {
    drawn(make);
    new ResizeObserver(() => plot.setSize({ width: Math.max(host.clientWidth, 240), height: 230 })).observe(host);
  };
  return box;
}

/** Marks the best epoch, and the gap that opens after it. */
function mark(u, of) {
  const { ctx, bbox } = u;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const [train, validation] = [u.data[1], u.data[2]];
  if (of.between && validation) {
    const after = u.data[0].map((x, at) => at).filter((at) => u.data[0][at] >= of.mark && validation[at] !== null);
    if (after.length > 1) {
      ctx.fillStyle = `rgba(${color("bad")}, .18)`;
      ctx.beginPath();
      for (const at of after) ctx.lineTo(u.valToPos(u.data[0][at], "x", true), u.valToPos(validation[at], "y", true));
      for (const at of after.slice().reverse()) ctx.lineTo(u.valToPos(u.data[0][at], "x", true), u.valToPos(train[at], "y", true));
      ctx.fill();
    }
  }
  const x = u.valToPos(of.mark, "x", true);
  ctx.strokeStyle = color("soft");
  ctx.setLineDash([4 * scale, 4 * scale]);
  ctx.lineWidth = scale;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.fillStyle = color("soft");
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  const right = x > bbox.left + bbox.width / 2;
  ctx.textAlign = right ? "right" : "left";
  ctx.fillText(`best: epoch ${of.mark}`, x + (right ? -6 : 6) * scale, bbox.top + 14 * scale);
  ctx.restore();
}
