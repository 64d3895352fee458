// The head of the page, and the curves of the epochs.

function summary() {
  const { results, target, data } = run;
  const names = { accuracy: "accuracy", rmse: `error (rmse) of ${target.name || "the target"}`, r2: "R²", loss: "loss" };
  const judged = results.test || results.validation || results.train;
  const part = results.test ? "test" : results.validation ? "validation" : "training";
  const shown = Object.entries(names).filter(([key]) => judged[key] !== undefined);
  const value = (key, number) => (key === "accuracy" ? percent(number) : short(number));
  add("summary",
    element("h1", {}, `${run.name}: ${run.model}`),
    element("p", { className: "soft" }, `${data.train.toLocaleString("en")} rows to learn from, ${data.validation.toLocaleString("en")} to choose the epoch by, ${data.test.toLocaleString("en")} held out. Epoch ${results.best_epoch} of ${run.history.length} was kept.`),
    element("div", { className: "numbers" }, shown.map(([key, name]) => element("div", {}, element("b", {}, value(key, judged[key])), `${part} ${name}`))));
}

function findings() {
  if (run.stopped) {
    const { epoch, step } = run.stopped;
    add("findings", element("div", { className: "finding" }, element("h3", {}, `Stopped after step ${step} of epoch ${epoch}`),
      element("p", {}, "The page shows the epochs until then. Rows that are held out are judged, and the doctor looks, when training has ended."),
      element("p", { className: "soft" }, "To go on:"), element("pre", {}, "chainrule train --resume RUN")));
    return;
  }
  const told = run.findings.map((found) => element("div", { className: "finding" },
    element("h3", {}, found.title), element("p", {}, found.says), element("p", { className: "soft" }, "What to try:"), found.advice.map((command) => element("pre", {}, command))));
  add("findings", told.length ? told : element("div", { className: "finding well" }, "Healthy: nothing that chainrule doctor looks for was found."));
}

function curves() {
  const { history, results } = run;
  const x = history.map((epoch) => epoch.epoch);
  const validated = history.some((epoch) => epoch.validation);
  const of = (key) => history.map((epoch) => (epoch.validation ? epoch.validation[key] ?? null : null));
  const known = (values) => values.some((value) => value !== null);
  const losses = [{ label: "training loss", values: history.map((epoch) => epoch.train_loss), color: "first" }];
  if (validated) losses.push({ label: "validation loss", values: of("loss"), color: "second" });
  const last = history[history.length - 1];
  const best = history.find((epoch) => epoch.epoch === results.best_epoch);
  const overfits = validated && best && last.validation.loss > 1.05 * best.validation.loss && last.validation.loss > last.train_loss;
  const told = run.findings.some((found) => found.title.startsWith("overfitting"));
  const judged = (name, key) => [
    { label: `training ${name}, of the kept epoch`, values: x.map((epoch) => (epoch === results.best_epoch ? results.train[key] : null)), color: "first", point: true },
    { label: `validation ${name}`, values: of(key), color: "second" },
  ];
  const charts = [
    chart({
      title: "Loss", x, lines: losses, mark: results.best_epoch, between: overfits,
      note: overfits ? `The validation loss was lowest at epoch ${results.best_epoch} and rose from there on, ${told ? "while the training loss fell: the network began to learn the training rows by heart" : "by less than the doctor calls overfitting"}. The parameters of epoch ${results.best_epoch} were kept.` : undefined,
    }),
    known(of("accuracy")) ? chart({ title: "Accuracy", x, lines: judged("accuracy", "accuracy"), mark: results.best_epoch }) : null,
    known(of("rmse")) ? chart({ title: "Error (root mean square)", x, lines: judged("error", "rmse"), mark: results.best_epoch }) : null,
    new Set(history.map((epoch) => epoch.rate)).size > 1 ? chart({ title: "Learning rate", x, lines: [{ label: "rate", values: history.map((epoch) => epoch.rate) }] }) : null,
  ].filter(Boolean);
  place("curves", charts);
}

/** Charts side by side. */
function place(section, charts) {
  if (charts.length === 0) return;
  add(section, element("div", { className: "grid" }, charts));
  charts.forEach((made) => made.ready());
}
