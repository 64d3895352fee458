#!/usr/bin/env python3
"""Time chainrule and its peers in turn, and print a table of how they compare.

    python bench/board.py --python VENV/bin/python [--rounds 5] [--append bench/RESULTS.md]

Each measurement is a process of its own. A round measures everyone once on a case, and each
round begins with another one, so that a machine that slows down slows all of them. The ratio is
the peer's time by ours of the same round: its median, and its smallest and largest. Above 1,
chainrule is faster.

Needs only the standard library; the peers' libraries belong to the `--python` that runs
`bench/peers/step.py`. See `bench/README.md`.
"""
import argparse
import os
import pathlib
import sys

import report
from report import OURS
from rounds import Contender, cores, take_turns

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "peers"))
from step import CASES, PEERS, RATE, mlp  # noqa: E402

KEY = "us_per_step"
RUST_PEERS = ("candle", "burn-flex")
# Otherwise glibc gives memory back to the kernel at each of their steps.
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}

# MLPs of `depth` dense layers: (widths, batches, depths).
GRIDS = {
    "small": ((8, 100, 1024), (1, 100, 1000), (1, 3, 8)),
    "full": ((8, 32, 100, 256, 1024, 4096), (1, 10, 100, 1000, 4096), (1, 2, 4, 8, 20)),
}
MOST_FLOP = 30e9  # a step
MOST_PARAMETERS = 100e6


# What is measured

def grid(name, optimizer):
    """Its networks, and how many are left out because a step would take too long."""
    cases, left_out = [], 0
    widths, batches, depths = GRIDS[name]
    for width in widths:
        for batch in batches:
            for depth in depths:
                sizes = [width] * depth + [10]
                parameters = sum(i * o for i, o in zip(sizes, sizes[1:]))
                if 6 * batch * parameters > MOST_FLOP or parameters > MOST_PARAMETERS:
                    left_out += 1
                else:
                    cases.append(mlp("-".join(map(str, sizes)), batch, optimizer))
    return cases, left_out


def label(case):
    """The case's name, with a run of equal layers written once: 100x3-10 b1 sgd."""
    if case.name in CASES:
        return case.name
    runs = []
    for size in case.sizes:
        if runs and runs[-1][0] == size:
            runs[-1][1] += 1
        else:
            runs.append([size, 1])
    text = "-".join(f"{size}x{times}" if times > 1 else str(size) for size, times in runs)
    return f"{text} b{case.batch} {case.optimizer}"


def asked_for(case):
    if case.name in CASES:
        return ["--case", case.name]
    return ["--mlp", "-".join(map(str, case.sizes)), "--batch", str(case.batch), "--optimizer", case.optimizer]


def contenders(args):
    """Ours, then each peer once for each of its numbers of threads."""
    step = [args.python, str(HERE / "peers/step.py")]
    found = [Contender(OURS, [args.chainrule], args.threads, KEY)]
    for threads in args.peer_threads:
        for name in PEERS:
            found.append(Contender(name, [*step, "--threads", str(threads), "--peer", name], threads, KEY))
        if args.rust_peers:
            for name in RUST_PEERS:
                env = {**KEEP_MEMORY, "RAYON_NUM_THREADS": str(threads)}
                found.append(Contender(name, [args.rust_peers, "--peer", name], threads, KEY, env))
    return [c for c in found if c.name == OURS or not args.peer or c.name in args.peer]


def measure(case, everyone, args, raw):
    options = [*asked_for(case), "--seconds", str(args.seconds)]
    times, why, _ = take_turns(label(case), everyone, args.rounds,
                               lambda one: one.measure(options, 300 + 20 * args.seconds), raw)
    return label(case), times, why


# The table

def heading(args, left_out, load):
    commands = [[args.python, str(HERE / "peers/step.py"), "--versions"]]
    if args.rust_peers:
        commands.append([args.rust_peers, "--versions"])
    threads = ", ".join(map(str, args.peer_threads))
    lines = [
        f"{args.rounds} rounds of {args.seconds:g} s; peers' threads: {threads}"
        + (" (the best of each round)" if len(args.peer_threads) > 1 else "") + ".",
        "Median microseconds of a step · **the peer's time by ours** (smallest..largest of the rounds).",
    ]
    if left_out:
        lines.append(f"Left out of the grid as too large: {left_out}.")
    return report.heading("", args.threads, load, commands, lines)


# The command line

def arguments():
    def positive(text):
        number = int(text)
        if number < 1:
            raise argparse.ArgumentTypeError("expected 1 or more")
        return number

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chainrule", metavar="PATH", default=str(ROOT / "target/release/examples/step_time"),
                        help="our program: PATH --case NAME --seconds S prints a line as step.py does")
    parser.add_argument("--python", metavar="PATH", default=sys.executable, help="the Python with the peers' libraries")
    parser.add_argument("--rust-peers", metavar="PATH", help="the program that bench/peers/rust builds")
    parser.add_argument("--peer", nargs="+", choices=[*PEERS, *RUST_PEERS], metavar="NAME",
                        help="only these: " + " ".join([*PEERS, *RUST_PEERS]))
    parser.add_argument("--case", nargs="+", choices=list(CASES), metavar="NAME", default=[],
                        help=" ".join(CASES) + "; all of them if no network is asked for otherwise")
    parser.add_argument("--mlp", nargs="+", metavar="SIZES", default=[], help="networks of dense layers: 784-50-10")
    parser.add_argument("--batch", type=positive, default=100, help="of --mlp (default 100)")
    parser.add_argument("--optimizer", choices=list(RATE), default="sgd", help="of --mlp and --grid (default sgd)")
    parser.add_argument("--grid", choices=list(GRIDS), help="networks of many widths, depths and batches")
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement (default 2)")
    parser.add_argument("--threads", type=positive, default=cores(), help="cores for everyone (default: all)")
    parser.add_argument("--peer-threads", type=positive, nargs="+", metavar="N",
                        help="try each peer with each of these, and take its best (default: --threads)")
    parser.add_argument("--append", metavar="FILE", type=pathlib.Path, help="add the table to this file")
    parser.add_argument("--raw", metavar="FILE", help="add a JSON line for each measurement to this file")
    args = parser.parse_args()
    args.threads = min(args.threads, cores())
    args.peer_threads = sorted({min(n, args.threads) for n in args.peer_threads or [args.threads]})
    args.chainrule = os.path.abspath(args.chainrule)
    args.rust_peers = args.rust_peers and os.path.abspath(args.rust_peers)
    for program, how in ((args.chainrule, "cargo build --release -p chainrule-engine --example step_time"),
                         (args.rust_peers, "cargo build --release in bench/peers/rust")):
        if program and not os.access(program, os.X_OK):
            parser.error(f"{program} is no program; build it: {how}")
    try:
        cases = [CASES[name] for name in args.case] + [mlp(text, args.batch, args.optimizer) for text in args.mlp]
    except ValueError as error:
        parser.error(str(error))
    more, left_out = grid(args.grid, args.optimizer) if args.grid else ([], 0)
    return args, cases + more or list(CASES.values()), left_out


def main():
    args, cases, left_out = arguments()
    everyone = contenders(args)
    load = os.getloadavg()[0]
    count = len(cases) * len(everyone) * args.rounds
    print(f"{count} measurements, about {count * (1.1 * args.seconds + 2) / 60:.0f} minutes"
          + ("; the machine is busy, so expect a wide spread" if load > 0.5 else ""), file=sys.stderr)
    top = heading(args, left_out, load)
    results = []
    with open(args.raw or os.devnull, "a") as raw:
        try:
            for case in cases:
                print(f"{len(results) + 1}/{len(cases)} {label(case)}", file=sys.stderr, flush=True)
                results.append(measure(case, everyone, args, raw))
        except KeyboardInterrupt:
            print("stopped; what is measured:", file=sys.stderr)
            args.append = None
    text = top + report.table(results, list(dict.fromkeys(one.name for one in everyone))) + "\n"
    print(text)
    if args.append:
        report.append(args.append, text)
    return any(OURS not in times for _, times, _ in results)


if __name__ == "__main__":
    sys.exit(main())
