"use strict";
// Shows what is said of one box at a time, and marks the ways between it and what is differentiated.
(() => {
  const root = document.documentElement, graph = document.querySelector(".graph > svg");
  const panel = document.querySelector(".details");
  const nodes = [...document.querySelectorAll("a.node")], details = [...document.querySelectorAll(".detail")];
  const edges = [...document.querySelectorAll(".edge")].map((line) => ({ line, from: +line.dataset.from, to: +line.dataset.to }));
  root.classList.add("script");

  function show(at) {
    const way = new Set([at]);
    const open = [at];
    while (open.length > 0) {
      const here = open.pop();
      for (const edge of edges) {
        if (edge.from === here && !way.has(edge.to)) {
          way.add(edge.to);
          open.push(edge.to);
        }
      }
    }
    graph.classList.add("chosen");
    nodes.forEach((node, number) => {
      node.classList.toggle("on", number === at);
      node.classList.toggle("way", way.has(number));
    });
    edges.forEach((edge) => edge.line.classList.toggle("way", way.has(edge.from) && way.has(edge.to)));
    details.forEach((detail, number) => detail.classList.toggle("on", number === at));
    panel.scrollTop = 0;
    return nodes[at];
  }

  function reveal(node) {
    node.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // The nearest box in the direction of an arrow key.
  function beside(at, key) {
    const middle = (node) => {
      const box = node.getBBox();
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    const [x, y] = middle(nodes[at]);
    const along = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    let best = at, least = Infinity;
    nodes.forEach((node, number) => {
      const [dx, dy] = [middle(node)[0] - x, middle(node)[1] - y];
      const ahead = dx * along[0] + dy * along[1], aside = Math.abs(dx * along[1] + dy * along[0]);
      if (ahead > 1 && ahead + 2 * aside < least) {
        best = number;
        least = ahead + 2 * aside;
      }
    });
    return best;
  }

  // A box that is pointed at is shown until another is; one that is clicked stays, until it or the empty space is clicked.
  let kept = null;
  nodes.forEach((node, at) => {
    node.addEventListener("mouseenter", () => kept === null && show(at));
    node.addEventListener("focus", () => reveal(show(at)));
    node.addEventListener("click", (event) => {
      event.preventDefault();
      event.stopPropagation();
      kept = kept === at ? null : at;
      show(at);
    });
    node.addEventListener("keydown", (event) => {
      if (event.key.startsWith("Arrow")) {
        event.preventDefault();
        nodes[beside(at, event.key)].focus();
      }
    });
  });
  graph.addEventListener("click", () => (kept = null));
  document.addEventListener("keydown", (event) => event.key === "Escape" && (kept = null));
  document.querySelectorAll(".detail a").forEach((link) => {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      kept = null;
      nodes[+link.getAttribute("href").slice(2)].focus();
    });
  });
  const asked = /^#n(\d+)$/.exec(location.hash);
  reveal(show(asked && nodes[+asked[1]] ? +asked[1] : 0));
})();
