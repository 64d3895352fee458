// How the run was made, and the order of the page.

function made() {
  const pre = element("pre", {}, run.command);
  const copy = element("button", { type: "button" }, "copy");
  copy.addEventListener("click", () => navigator.clipboard.writeText(run.command).then(() => (copy.textContent = "copied"), () => getSelection().selectAllChildren(pre)));
  add("made", element("p", {}, "The same command on the same data makes the same run, to the bit, on any number of threads:"), pre, copy,
    element("div", { className: "scroll", style: "margin-top: 1rem" }, table(null, run.settings, "plain")),
    element("p", { className: "soft", style: "margin-top: 1rem" }, `chainrule ${run.version}. This page needs no network; its curves are drawn by uPlot (MIT license, © Leon Sorokin).`));
}

for (const part of [summary, findings, curves, heldOut, layers, filters, made]) part();
document.documentElement.dataset.ready = "yes";
