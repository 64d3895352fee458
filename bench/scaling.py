#!/usr/bin/env python3
"""Time chainrule's steps alone: with more threads, beside a busy program, and over widths.

    python bench/scaling.py [--part threads busy widths] [--append bench/RESULTS.md]

threads  a step on one thread and on all, of the networks of board.py.
busy     a step undisturbed, and while another process keeps one core busy. Nobody is bound to a core.
widths   small networks around the size at which a run begins to share its work: a cliff would show here.

Measurements are made in turn, each by a process of its own; ratios are of times of the same round. Needs only the
standard library. See `bench/README.md`.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys

import report
from rounds import Contender, cores, take_turns

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
from step import CASES  # noqa: E402

KEY = "us_per_step"
WIDTHS = (8, 16, 24, 32, 40, 44, 45, 46, 47, 48, 56, 64, 96, 128, 192, 256, 512)
SPIN = "while True: pass"


def beside_a_busy_process(one, options):
    busy = subprocess.Popen([sys.executable, "-c", SPIN])
    try:
        return one.measure(options)
    finally:
        busy.kill()
        busy.wait()


def compare(cases, first, second, args, raw, second_ask=Contender.measure):
    """[(case, times of the first, times of the second)], [] where one failed."""
    results = []
    for case, options in cases:
        print(case, file=sys.stderr, flush=True)
        options = [*options, "--seconds", str(args.seconds)]

        def ask(one):
            return second_ask(one, options) if one is second else one.measure(options)

        times, why, _ = take_turns(case, [first, second], args.rounds, ask, raw)
        for name, reason in why.items():
            print(f"{case}, {name}: {reason}", file=sys.stderr)
        results.append((case, times.get(first.name, []), times.get(second.name, [])))
    return results


def table(results, first, second, ratio, of):
    """Markdown; `of(first, second)` is the ratio of two lists of times, round by round."""
    lines = [f"| case | {first.name} | {second.name} | {ratio} |", "|---|--:|--:|--:|"]
    worst = []
    for case, a, b in results:
        if not a or not b:
            lines.append(f"| {case} | – | – | failed |")
            continue
        by_round = of(a, b)
        worst.append((statistics.median(by_round), case))
        lines.append(f"| {case} | {report.amount(report.median(a))} | {report.amount(report.median(b))} | "
                     f"{report.spread(by_round)} |")
    return "\n".join(lines), sorted(worst)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chainrule", metavar="PATH", default=str(report.ROOT / "target/release/examples/step_time"),
                        help="our program, which is also board.py's")
    parser.add_argument("--part", nargs="+", choices=["threads", "busy", "widths"], default=["threads", "busy", "widths"])
    parser.add_argument("--case", nargs="+", choices=list(CASES), metavar="NAME", default=list(CASES),
                        help=" ".join(CASES))
    parser.add_argument("--width", nargs="+", type=int, metavar="N", default=list(WIDTHS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement (default 0.5)")
    parser.add_argument("--threads", type=int, default=cores(), help="all of them (default: the cores)")
    parser.add_argument("--append", metavar="FILE", type=pathlib.Path, help="add the tables to this file")
    parser.add_argument("--raw", metavar="FILE", help="add a JSON line for each measurement to this file")
    args = parser.parse_args()
    args.chainrule = os.path.abspath(args.chainrule)
    if not os.access(args.chainrule, os.X_OK):
        parser.error(f"{args.chainrule} is no program; build it: "
                     "cargo build --release -p chainrule-engine --example step_time")
    return args


def main():
    args = arguments()

    def ours(name, threads):
        # All cores, whatever the threads: nobody is bound to one.
        return Contender(name, [args.chainrule, "--threads", str(threads)], cores(), KEY)

    one, all_ = ours("1 thread", 1), ours(f"{args.threads} threads", args.threads)
    busy = ours(f"{args.threads} threads, a core busy", args.threads)
    networks = [(name, ["--case", name]) for name in args.case]
    load, texts, failed = os.getloadavg()[0], [], False
    with open(args.raw or os.devnull, "a") as raw:
        if "threads" in args.part:
            results = compare(networks, one, all_, args, raw)
            text, worst = table(results, one, all_, "one by all", report.ratios)
            failed |= len(worst) < len(results)
            texts.append(f"One thread and {args.threads}: above 1, more threads are faster.\n\n{text}")
        if "busy" in args.part:
            results = compare(networks, all_, busy, args, raw, beside_a_busy_process)
            text, worst = table(results, all_, busy, "disturbed by undisturbed", lambda a, b: report.ratios(b, a))
            failed |= len(worst) < len(results)
            texts.append(f"Beside a process that keeps one core busy: 1 is undisturbed.\n\n{text}")
        if "widths" in args.part:
            grid = [(f"{sizes} b32", ["--mlp", sizes, "--batch", "32", "--optimizer", "sgd"])
                    for width in args.width for sizes in (f"784-{width}-10", f"{width}-{width}-10")]
            results = compare(grid, one, all_, args, raw)
            text, worst = table(results, one, all_, "one by all", report.ratios)
            failed |= len(worst) < len(results)
            lowest = f"\n\n- Lowest: {worst[0][1]}, {worst[0][0]:.2f}." if worst else ""
            texts.append(f"Widths: below 1, more threads are slower.\n\n{text}{lowest}")
    top = report.heading("chainrule by threads", args.threads, load, [], [
        f"{args.rounds} rounds of {args.seconds:g} s. Median microseconds of a step · "
        "**the ratio** (smallest..largest of the rounds).",
    ])
    text = top + "\n\n".join(texts) + "\n"
    print(text)
    if args.append:
        report.append(args.append, text)
    return failed


if __name__ == "__main__":
    sys.exit(main())
