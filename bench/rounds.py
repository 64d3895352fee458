"""Measuring in turn: everyone once a round, each time as a process of its own.

Each round begins with another one, so that a machine that slows down slows all of them, and ratios
are of times of the same round.
"""
import json
import os
import subprocess
import time


def cores():
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Contender:
    """A program that prints one JSON object with its time under `key`; "wall_s" is that of the process from start to end."""

    def __init__(self, name, command, threads, key, env=None):
        self.name, self.command, self.threads, self.key, self.env = name, command, threads, key, env or {}

    def measure(self, options=(), timeout=300):
        """The JSON object that it prints, and "wall_s"; with "error" if it prints none."""
        start = time.perf_counter()
        try:
            done = subprocess.run([*self.command, *options], env={**os.environ, **self.env}, capture_output=True,
                                  text=True, timeout=timeout, preexec_fn=self.stay_on_cores)
        except subprocess.TimeoutExpired:
            return {"error": "it took too long"}
        except OSError as error:
            return {"error": str(error)}
        wall = time.perf_counter() - start
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or len(lines) != 1:
            last = (done.stderr.strip().splitlines() or ["no result"])[-1]
            return {"error": f"exit status {done.returncode}: {last}"[:300]}
        try:
            result = {"wall_s": wall} | json.loads(lines[0])
        except ValueError as error:
            return {"error": f"no JSON: {error}"}
        if not {self.key, "skipped", "error"} & result.keys():
            return {"error": f"no {self.key} in its result"}
        return result

    def stay_on_cores(self):
        """Everyone alike, whether or not it has a setting of its own for threads."""
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:self.threads])


def take_turns(case, everyone, rounds, ask, raw):
    """{name: [time of each round, None where it failed]}, {name: why it has none}, and {name: what it printed last}.

    `ask(contender)` measures once. Of several contenders of one name, with other numbers of threads, the round's best counts.
    """
    times, why, last, out = {}, {}, {}, set()
    for round_ in range(rounds):
        first = round_ % len(everyone)
        for one in everyone[first:] + everyone[:first]:
            if one in out:
                continue
            result = ask(one)
            result = {"case": case, "peer": one.name, "threads": one.threads, "round": round_,
                      **{k: v for k, v in result.items() if k not in ("case", "peer")}}
            print(json.dumps(result), file=raw, flush=True)
            taken = result.get(one.key)
            if taken is None:
                out.add(one)  # it will not do better in the next round
                why[one.name] = result.get("skipped") or result["error"]
                continue
            last[one.name] = result
            turns = times.setdefault(one.name, [None] * rounds)
            turns[round_] = taken if turns[round_] is None else min(taken, turns[round_])
    return times, {name: reason for name, reason in why.items() if name not in times}, last
