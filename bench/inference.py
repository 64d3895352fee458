#!/usr/bin/env python3
"""Time predictions of a trained network: chainrule, onnxruntime and PyTorch in turn, by the size of the batch.

    python bench/inference.py --python VENV/bin/python [--batch 1 8 64 256 4096] [--append bench/RESULTS.md]

A network of dense layers with ReLU between them and a softmax at the end, in float32, from rows in memory to
probabilities in memory. The peers are given the next rows of a table as an array or tensor that is ready; chainrule is
given their numbers and copies them from the table itself, as `chainrule predict` does. Each measurement is a
process of its own; of a peer's numbers of threads the round's best counts. See `bench/README.md`.
"""
import argparse
import os
import pathlib
import sys

import report
from report import OURS
from rounds import Contender, cores, take_turns

HERE = pathlib.Path(__file__).resolve().parent
KEY = "us_per_batch"


def contenders(args):
    peer = [args.python, str(HERE / "peers/predict.py")]
    # 0 is onnxruntime's own choice.
    threads = {"onnxruntime": [0, 1], "torch": sorted({1, args.threads})}
    found = [Contender(OURS, [args.chainrule, "--goal", "predict"], args.threads, KEY)]
    for name in args.peer:
        for count in threads[name]:
            found.append(Contender(name, [*peer, "--peer", name, "--threads", str(count)], count or args.threads, KEY))
    return found


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chainrule", metavar="PATH", default=str(report.ROOT / "target/release/examples/step_time"),
                        help="our program, which is also board.py's")
    parser.add_argument("--python", metavar="PATH", default=sys.executable, help="the Python with the peers' libraries")
    parser.add_argument("--peer", nargs="+", choices=["onnxruntime", "torch"], default=["onnxruntime", "torch"])
    parser.add_argument("--mlp", metavar="SIZES", default="784-1024-1024-10")
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 64, 256, 4096], metavar="ROWS")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement (default 1)")
    parser.add_argument("--threads", type=int, default=cores(), help="cores for everyone (default: all)")
    parser.add_argument("--append", metavar="FILE", type=pathlib.Path, help="add the table to this file")
    parser.add_argument("--raw", metavar="FILE", help="add a JSON line for each measurement to this file")
    args = parser.parse_args()
    args.chainrule = os.path.abspath(args.chainrule)
    if not os.access(args.chainrule, os.X_OK):
        parser.error(f"{args.chainrule} is no program; build it: "
                     "cargo build --release -p chainrule-engine --example step_time")
    return args


def main():
    args = arguments()
    everyone = contenders(args)
    sizes = [int(size) for size in args.mlp.split("-")]
    megabytes = 4 * sum((i + 1) * o for i, o in zip(sizes, sizes[1:])) / 1e6
    versions = [[args.python, str(HERE / "peers/predict.py"), "--versions"]]
    top = report.heading(f"predictions of {args.mlp}", args.threads, os.getloadavg()[0], versions, [
        f"{args.rounds} rounds of {args.seconds:g} s; onnxruntime with its own number of threads and 1, torch with "
        f"{args.threads} and 1 (the best of each round).",
        "Median microseconds of a batch · **the peer's time by ours** (smallest..largest of the rounds). "
        f"GB/s: the weights' {megabytes:.1f} MB, read once a batch.",
    ])
    results, batches = [], {}
    with open(args.raw or os.devnull, "a") as raw:
        for batch in args.batch:
            case = f"batch {batch}"
            batches[case] = batch
            options = ["--mlp", args.mlp, "--batch", str(batch), "--seconds", str(args.seconds)]
            print(case, file=sys.stderr, flush=True)
            times, why, _ = take_turns(case, everyone, args.rounds, lambda one: one.measure(options), raw)
            results.append((case, times, why))
    more = [
        ("µs a row", lambda case, us: report.amount(us / batches[case])),
        ("GB/s", lambda case, us: f"{megabytes / us * 1000:.0f}"),
    ]
    text = top + report.table(results, [OURS, *args.peer], more) + "\n"
    print(text)
    if args.append:
        report.append(args.append, text)
    return any(OURS not in times for _, times, _ in results)


if __name__ == "__main__":
    sys.exit(main())
