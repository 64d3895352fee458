#!/usr/bin/env python3
"""Time reading: from a CSV file to rows of float32 to learn from, chainrule, pandas and polars in turn.

    cargo build --release -p chainrule --example large_table --example read_time
    target/release/examples/large_table /tmp/table.csv 500e6
    python bench/reading.py /tmp/table.csv --target y --python VENV/bin/python [--append bench/RESULTS.md]

Everyone reads the whole file, which is in the system's cache, and makes one matrix of it: numbers as they are, text one-hot. chainrule
also finds gaps, medians, means and deviations, and standardises. Imports are not counted. See `bench/README.md`.
"""
import argparse
import os
import pathlib
import sys

import report
from report import OURS
from rounds import Contender, cores, take_turns

HERE = pathlib.Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=pathlib.Path, help="a CSV table")
    parser.add_argument("--target", required=True)
    parser.add_argument("--chainrule", metavar="PATH", default=str(report.ROOT / "target/release/examples/read_time"))
    parser.add_argument("--python", metavar="PATH", default=sys.executable, help="the Python with the peers' libraries")
    parser.add_argument("--peer", nargs="+", choices=["pandas", "polars"], default=["pandas", "polars"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=cores(), help="cores for everyone (default: all)")
    parser.add_argument("--append", metavar="FILE", type=pathlib.Path, help="add the table to this file")
    parser.add_argument("--raw", metavar="FILE", help="add a JSON line for each measurement to this file")
    args = parser.parse_args()
    args.chainrule = os.path.abspath(args.chainrule)
    if not os.access(args.chainrule, os.X_OK):
        parser.error(f"{args.chainrule} is no program; build it: cargo build --release -p chainrule --example read_time")
    return args


def main():
    args = arguments()
    megabytes = args.path.stat().st_size / 1e6
    peer = [args.python, str(HERE / "peers/read.py")]
    top = report.heading("reading a table", args.threads, os.getloadavg()[0], [[*peer, "--versions"]], [
        f"{args.rounds} rounds; a CSV file of {megabytes:,.0f} MB.",
        "Median seconds · **the peer's time by ours** (smallest..largest of the rounds).",
    ])
    with open(args.raw or os.devnull, "a") as raw:
        results = []
        for case, key in [("parsed", "parsed_s"), ("rows to learn from", "seconds")]:
            asked = [str(args.path), args.target]
            everyone = [Contender(OURS, [args.chainrule, *asked], args.threads, key)]
            everyone += [Contender(name, [*peer, *asked, "--peer", name], args.threads, key) for name in args.peer]
            print(case, file=sys.stderr, flush=True)
            times, why, _ = take_turns(case, everyone, args.rounds, lambda one: one.measure(timeout=1800), raw)
            results.append((case, times, why))
    text = top + report.table(results, [OURS, *args.peer], [("MB/s", lambda _, s: f"{megabytes / s:.0f}")]) + "\n"
    print(text)
    if args.append:
        report.append(args.append, text)
    return any(OURS not in times for _, times, _ in results)


if __name__ == "__main__":
    sys.exit(main())
