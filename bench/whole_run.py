#!/usr/bin/env python3
"""Time a user's whole run, from the start of the process to its end: chainrule, PyTorch and scikit-learn in turn.

    python bench/whole_run.py --data FOLDER --python VENV/bin/python [--append bench/RESULTS.md]
    python bench/whole_run.py --part start --python VENV/bin/python

run    784-256-128-10 on MNIST's files in FOLDER: read them, train, judge the 10,000 test rows, and for chainrule
       write the network and the record of the run. All train on all 60,000 rows: the same batch, optimizer and epochs.
start  the shortest run on the embedded digits: one step on all training rows, the training and the test rows judged,
       the run written. So the first step ends before this time. Beside it, what peers take for their import alone.

Of a peer's numbers of threads the round's best counts. See `bench/README.md`.
"""
import argparse
import os
import pathlib
import sys
import tempfile

import report
from report import OURS
from rounds import Contender, cores, take_turns

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("torch", "torch-resident", "scikit-learn")
IMPORTS = {"import torch": "torch", "import sklearn": "sklearn.neural_network", "import jax": "jax"}
MODEL = "affine:256 relu affine:128 relu affine:10"
KEY = "wall_s"


def run(args, scratch):
    out = ["--out", str(scratch / "run"), "--force", "--json"]
    asked = ["--epochs", str(args.epochs), "--batch", str(args.batch)]
    ours = [args.chainrule, "train", str(args.data), "--model", MODEL, "--optimizer", "adam", "--validation", "0"]
    everyone = [Contender(OURS, [*ours, *asked, *out], args.threads, KEY)]
    for name in args.peer:
        peer = [args.python, str(HERE / "peers/train.py"), str(args.data), "--peer", name, *asked]
        everyone += [Contender(name, [*peer, "--threads", str(threads)], threads, KEY) for threads in args.peer_threads]
    return everyone


def start(args, scratch):
    ours = [args.chainrule, "train", "--epochs", "1", "--batch", "100000", "--validation", "0",
            "--out", str(scratch / "start"), "--force", "--json"]
    everyone = [Contender(OURS, ours, args.threads, KEY)]
    for name, module in IMPORTS.items():
        program = f"import {module}; print('{{}}')"
        everyone.append(Contender(name, [args.python, "-c", program], args.threads, KEY))
    return everyone


def accuracies(last):
    """On the test rows, of each one's last run."""
    ours = {name: result["test"]["accuracy"] for name, result in last.items() if name == OURS}
    found = ours | {name: result["test_accuracy"] for name, result in last.items() if name != OURS}
    return "\n- Right of the test rows: " + ", ".join(f"{name} {100 * found[name]:.2f} %" for name in last) + "."


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chainrule", metavar="PATH", default=str(report.ROOT / "target/release/chainrule"))
    parser.add_argument("--python", metavar="PATH", default=sys.executable, help="the Python with the peers' libraries")
    parser.add_argument("--data", metavar="FOLDER", type=pathlib.Path, help="MNIST's four IDX files, plain or gzipped")
    parser.add_argument("--part", nargs="+", choices=["run", "start"], default=["run", "start"])
    parser.add_argument("--peer", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=cores(), help="cores for everyone (default: all)")
    parser.add_argument("--peer-threads", type=int, nargs="+", metavar="N",
                        help="try each peer with each of these, and take its best (default: --threads)")
    parser.add_argument("--append", metavar="FILE", type=pathlib.Path, help="add the table to this file")
    parser.add_argument("--raw", metavar="FILE", help="add a JSON line for each measurement to this file")
    args = parser.parse_args()
    args.peer_threads = args.peer_threads or [args.threads]
    args.chainrule = os.path.abspath(args.chainrule)
    if not os.access(args.chainrule, os.X_OK):
        parser.error(f"{args.chainrule} is no program; build it: cargo build --release")
    if "run" in args.part and args.data is None:
        parser.error("expected --data FOLDER with MNIST's files, or --part start")
    return args


def main():
    args = arguments()
    versions = [[args.python, str(HERE / "peers/train.py"), "--versions"]]
    top = report.heading("a whole run", args.threads, os.getloadavg()[0], versions, [
        f"{args.rounds} rounds; peers' threads: {', '.join(map(str, args.peer_threads))} (the best of each round).",
        "Median seconds from the start of the process to its end · **the peer's time by ours** "
        "(smallest..largest of the rounds).",
    ])
    texts, failed = [], False
    with open(args.raw or os.devnull, "a") as raw, tempfile.TemporaryDirectory() as scratch:
        for part in args.part:
            everyone = (run if part == "run" else start)(args, pathlib.Path(scratch))
            case = f"MNIST, {args.epochs} epochs, batch {args.batch}" if part == "run" else "start, one step, end"
            print(case, file=sys.stderr, flush=True)
            times, why, last = take_turns(case, everyone, args.rounds, lambda one: one.measure(timeout=3600), raw)
            failed |= OURS not in times
            names = list(dict.fromkeys(one.name for one in everyone))
            text = report.table([(case, times, why)], names)
            texts.append(text + (accuracies(last) if part == "run" else ""))
    text = top + "\n\n".join(texts) + "\n"
    print(text)
    if args.append:
        report.append(args.append, text)
    return failed


if __name__ == "__main__":
    sys.exit(main())
