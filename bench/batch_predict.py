#!/usr/bin/env python3
"""Time predictions from a CSV file into a CSV file: chainrule, and pandas with onnxruntime, in turn.

    cargo build --release
    cargo build --release -p chainrule --example large_table
    target/release/examples/large_table /tmp/table.csv 1.2e9
    python bench/batch_predict.py /tmp/table.csv --python VENV/bin/python [--append bench/RESULTS.md]

A network of 28 columns, two layers of 64 and two classes is trained on the first rows of the table for an epoch, and then predicts
for all of it. The whole process is timed, of pandas without its imports. See `bench/README.md`.
"""
import argparse
import itertools
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import report
from report import OURS
from rounds import Contender, cores, take_turns

HERE = pathlib.Path(__file__).resolve().parent
MODEL = "affine:64 relu affine:64 relu affine:2"
ROWS = 20_000


def ours(program, run, data, out, threads):
    """Runs it; a process of its own, so that its children's peak is that of the program."""
    start = time.perf_counter()
    subprocess.run([program, "predict", run, data, "-o", out, "--threads", str(threads)], check=True)
    seconds = time.perf_counter() - start
    resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    print(json.dumps({"seconds": seconds, "resident_mb": resident}))


def train(args, scratch):
    head = scratch / "head.csv"
    with open(args.path, "rb") as file:
        head.write_bytes(b"".join(itertools.islice(file, ROWS + 1)))
    run = scratch / "run"
    asked = ["--target", "y", "--ignore", "kind", "--model", MODEL, "--epochs", "1", "--out", str(run)]
    subprocess.run([args.chainrule, "train", str(head), *asked], check=True, capture_output=True)
    return run


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=pathlib.Path, help="a table that large_table wrote")
    parser.add_argument("--chainrule", metavar="PATH", default=str(report.ROOT / "target/release/chainrule"))
    parser.add_argument("--python", metavar="PATH", default=sys.executable, help="the Python with the peers' libraries")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=cores(), help="cores for everyone (default: all)")
    parser.add_argument("--append", metavar="FILE", type=pathlib.Path, help="add the table to this file")
    parser.add_argument("--raw", metavar="FILE", help="add a JSON line for each measurement to this file")
    parser.add_argument("--ours", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.chainrule = os.path.abspath(args.chainrule)
    if not os.access(args.chainrule, os.X_OK):
        parser.error(f"{args.chainrule} is no program; build it: cargo build --release")
    return args


def main():
    args = arguments()
    if args.ours:
        return ours(args.chainrule, *args.ours, args.threads)
    with open(args.path, "rb") as file:
        rows = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 24), b"")) - 1
    megabytes = args.path.stat().st_size / 1e6
    peer = [args.python, str(HERE / "peers/predict_table.py")]
    top = report.heading("predictions for a table", args.threads, os.getloadavg()[0], [[*peer, "--versions"]], [
        f"{args.rounds} rounds; {rows:,} rows of a CSV file of {megabytes:,.0f} MB, 28-64-64-2, answers to a CSV file.",
        "Median seconds · **the peer's time by ours** (smallest..largest of the rounds).",
    ])
    with open(args.raw or os.devnull, "a") as raw, tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        run = train(args, scratch)
        us = [sys.executable, __file__, str(args.path), "--chainrule", args.chainrule, "--threads", str(args.threads)]
        everyone = [
            Contender(OURS, [*us, "--ours", str(run), str(args.path), str(scratch / "ours.csv")], args.threads, "seconds"),
            Contender("pandas+onnxruntime", [*peer, str(run), str(args.path), str(scratch / "theirs.csv")], args.threads,
                      "seconds"),
        ]
        times, why, last = take_turns("CSV to CSV", everyone, args.rounds, lambda one: one.measure(timeout=3600), raw)
    more = [("rows/s", lambda _, s: f"{rows / s:,.0f}"), ("MB/s", lambda _, s: f"{megabytes / s:.0f}")]
    text = top + report.table([("CSV to CSV", times, why)], [OURS, "pandas+onnxruntime"], more)
    text += "\n- Resident at most: " + ", ".join(f"{name} {one['resident_mb']:.0f} MB" for name, one in last.items()) + ".\n"
    print(text)
    if args.append:
        report.append(args.append, text)
    return OURS not in times


if __name__ == "__main__":
    sys.exit(main())
