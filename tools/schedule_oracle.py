#!/usr/bin/env python3
"""Write the rates that chainrule's schedules are held against, computed by torch.optim.lr_scheduler.

    VENV/bin/python tools/schedule_oracle.py [--out FOLDER]

writes `schedules.json` to `crates/learn/tests/oracle/`: {"torch", "cases": [..]}. A case is
    schedule        as chainrule writes it
    rate, warm_up, steps, epochs    the course: warm_up in epochs, steps of an epoch
    losses          one an epoch, for plateau; else []
    rates           one a step; of schedules that torch moves once an epoch, one an epoch, at its first step
    each            "step" or "epoch"
"""
import argparse
import json
import math
import pathlib

import torch

S = torch.optim.lr_scheduler
HERE = pathlib.Path(__file__).resolve().parent
RATE = 0.3


def rates(count, make, losses=None):
    descent = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    schedule = make(descent)
    found = []
    for at in range(count):
        found.append(descent.param_groups[0]["lr"])
        descent.step()
        schedule.step(*([losses[at]] if losses else []))
    return found


def case(schedule, make, each, steps=5, epochs=12, warm_up=0.0, losses=None):
    warming = math.ceil(warm_up * steps)

    def warmed(descent):
        if not warming:
            return make(descent)
        linear = S.LinearLR(descent, start_factor=1 / warming, total_iters=warming - 1)
        return S.SequentialLR(descent, [linear, make(descent)], [warming])

    count = steps * epochs if each == "step" else epochs
    return {"schedule": schedule, "rate": RATE, "warm_up": warm_up, "steps": steps, "epochs": epochs,
            "losses": losses or [], "each": each, "rates": rates(count, warmed, losses)}


def cases():
    losses = [1.0, 0.9, 0.8, 0.85, 0.82, 0.79999, 0.81, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.69, 0.7, 0.7, 0.7, 0.5]

    def plateau(**settings):
        return lambda d: S.ReduceLROnPlateau(d, **settings)

    return [
        case("step:every=3,factor=0.5", lambda d: S.StepLR(d, 3, 0.5), "epoch"),
        case("exponential:factor=0.8", lambda d: S.ExponentialLR(d, 0.8), "epoch"),
        case("exponential:factor=0.8", lambda d: S.ExponentialLR(d, 0.8 ** (1 / 5)), "step"),
        case("cosine", lambda d: S.CosineAnnealingLR(d, 60), "step"),
        case("cosine:to=0.1", lambda d: S.CosineAnnealingLR(d, 60, eta_min=0.1 * RATE), "step"),
        case("cosine", lambda d: S.CosineAnnealingLR(d, 60 - 12), "step", warm_up=2.3),
        case("constant", lambda d: S.ConstantLR(d, factor=1.0), "step", warm_up=1.0),
        case("one_cycle", lambda d: S.OneCycleLR(d, RATE, 60, cycle_momentum=False), "step"),
        case("one_cycle:rise=0.45,from=0.1,to=0.001",
             lambda d: S.OneCycleLR(d, RATE, 60, pct_start=0.45, div_factor=10, final_div_factor=100,
                                    cycle_momentum=False), "step"),
        case("plateau:factor=0.5,patience=2", plateau(factor=0.5, patience=2), "epoch", epochs=18, losses=losses),
        case("plateau:factor=0.3,patience=0,threshold=0.02", plateau(factor=0.3, patience=0, threshold=0.02), "epoch",
             epochs=10, losses=losses),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "crates/learn/tests/oracle")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(entry, allow_nan=False) for entry in cases())
    (out / "schedules.json").write_text(f'{{"torch": {json.dumps(torch.__version__)}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
