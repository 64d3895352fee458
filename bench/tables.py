#!/usr/bin/env python3
"""Time and judge `train TABLE --target COLUMN` without another setting beside pandas with scikit-learn's pipeline, in turn.

    python bench/tables.py FILE:COLUMN[:HIDDEN] ... --python VENV/bin/python [--append bench/RESULTS.md]

A round is a seed: of the split, the first weights and the batches. Seconds are from the start of the process to its end. HIDDEN are the peer's
widths, such as 128-64; without it 64-64. A COLUMN that is a number is of a table without a header. See `bench/README.md`.
"""
import argparse
import os
import pathlib
import statistics
import sys
import tempfile

import report
from report import OURS
from rounds import Contender, cores, take_turns

HERE = pathlib.Path(__file__).resolve().parent
PEER = "scikit-learn"
KEY = "wall_s"


def contenders(args, table, scratch):
    file, target, hidden = (table.split(":") + ["64-64"])[:3]
    asked = [file, "--target", target, *(["--no-header"] if target.isdigit() else [])]
    ours = [args.chainrule, "train", *asked, "--json", "--force", "--out", str(scratch / "run")]
    peer = [args.python, str(HERE / "peers/train_table.py"), *asked, "--hidden", *hidden.split("-"), "--threads", str(args.threads)]
    return [Contender(OURS, ours, args.threads, KEY), Contender(PEER, peer, args.threads, KEY)]


def judged(result):
    """The name and value of the score on the rows held out."""
    scores = result.get("test", result)
    name = next((name for name in ("accuracy", "rmse") if name in scores), None)
    return name, scores.get(name)


def scores_of(scores):
    """The median of each one's scores, and all of them."""
    said = []
    for one, found in scores.items():
        found = [(name, value) for name, value in found if name]
        if found:
            name, places = found[0][0], 4 if found[0][0] == "accuracy" else 0
            values = [value for _, value in found]
            each = ", ".join(f"{value:,.{places}f}" for value in values)
            said.append(f"{one} {name} **{statistics.median(values):,.{places}f}** ({each})")
    return "; ".join(said)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="+", metavar="FILE:COLUMN[:HIDDEN]")
    parser.add_argument("--chainrule", metavar="PATH", default=str(report.ROOT / "target/release/chainrule"))
    parser.add_argument("--python", metavar="PATH", default=sys.executable, help="the Python with the peer's libraries")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=cores(), help="cores for everyone (default: all)")
    parser.add_argument("--append", metavar="FILE", type=pathlib.Path, help="add the table to this file")
    parser.add_argument("--raw", metavar="FILE", help="add a JSON line for each measurement to this file")
    args = parser.parse_args()
    args.chainrule = os.path.abspath(args.chainrule)
    if not os.access(args.chainrule, os.X_OK):
        parser.error(f"{args.chainrule} is no program; build it: cargo build --release")
    for table in args.table:
        if table.count(":") not in (1, 2) or not os.path.exists(table.split(":")[0]):
            parser.error(f"expected FILE:COLUMN of a file that is there, found {table}")
    return args


def main():
    args = arguments()
    versions = [[args.python, str(HERE / "peers/train_table.py"), "--versions"]]
    top = report.heading("tables, from file to network", args.threads, os.getloadavg()[0], versions, [
        f"Seeds {', '.join(map(str, args.seeds))}, one a round; no settings but the table and its target.",
        "Median seconds from the start of the process to its end · **the peer's time by ours** (smallest..largest of the rounds).",
    ])
    rows, lines, failed = [], [], False
    with open(args.raw or os.devnull, "a") as raw, tempfile.TemporaryDirectory() as scratch:
        for table in args.table:
            case = pathlib.Path(table.split(":")[0]).name
            print(case, file=sys.stderr, flush=True)
            scores = {OURS: [], PEER: []}

            def ask(one):
                result = one.measure(["--seed", str(args.seeds[len(scores[one.name])])], timeout=3600)
                scores[one.name].append(judged(result))
                return result

            times, why, _ = take_turns(case, contenders(args, table, pathlib.Path(scratch)), len(args.seeds), ask, raw)
            failed |= OURS not in times
            rows.append((case, times, why))
            lines.append(f"- {case}, rows held out: {scores_of(scores)}.")
    text = top + report.table(rows, [OURS, PEER]) + "\n" + "\n".join(lines) + "\n"
    print(text)
    if args.append:
        report.append(args.append, text)
    return failed


if __name__ == "__main__":
    sys.exit(main())
