"""What a benchmark prints: where and when it ran, and a table of times and ratios, in Markdown."""
import datetime
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = "chainrule"


# The heading

def processor():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return said(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor() or platform.machine()


def said(command):
    """What a command prints, or nothing if there is no such command."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def versions(commands):
    """Ours, and what each command prints as a JSON object of names and versions."""
    commit = said(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]) or "no commit"
    changed = " with changes" if said(["git", "-C", str(ROOT), "status", "--porcelain", "crates"]) else ""
    found = {OURS: commit + changed}
    for command in commands:
        try:
            found.update(json.loads(said(command)))
        except ValueError:
            pass
    return ", ".join(f"{name} {version}" for name, version in found.items())


def heading(title, threads, load, commands, lines):
    """The time, the machine and its load before the start, versions, and then `lines`."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"{processor()}, {threads} of {os.cpu_count()} cores; {platform.system()} {platform.machine()}; "
        f"load {load:.1f} before the start.",
        f"{versions(commands)}.",
        *lines,
    ]
    return f"## {now}{title and ': ' + title}\n\n" + "  \n".join(lines) + "\n\n"


def append(path, text):
    """Adds a result to a file of results."""
    new = not path.exists()
    with path.open("a") as file:
        file.write(("# Results\n\nWritten by `--append`; see `README.md`.\n" if new else "") + "\n" + text)


# The table

def amount(number):
    """With three digits, or all that stand before the point."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def median(rounds):
    return statistics.median(time for time in rounds if time is not None)


def ratios(theirs, ours):
    return [t / o for t, o in zip(theirs, ours) if t is not None and o is not None]


def spread(by_round):
    """Their median, smallest and largest."""
    return f"**{statistics.median(by_round):.2f}** ({min(by_round):.2f}..{max(by_round):.2f})"


def table(results, names, more=()):
    """Markdown, from [(case, times, why)]; `more` are columns of our own, (heading, function of (case, our times))."""
    peers = [n for n in names if n != OURS and any(n in times for _, times, _ in results)]
    lines = ["| " + " | ".join(["case", OURS, *(name for name, _ in more), *peers, "fastest peer"]) + " |",
             "|---|" + "--:|" * (len(peers) + len(more) + 1) + "---|"]
    against = []
    for case, times, _ in results:
        ours = times.get(OURS)
        cells = [case, amount(median(ours)) if ours else "failed"]
        cells += [of(case, median(ours)) if ours else "–" for _, of in more]
        for name in peers:
            if name not in times:
                cells.append("–")
                continue
            cell = amount(median(times[name]))
            if ours and (by_round := ratios(times[name], ours)):
                cell += f" · {spread(by_round)}"
            cells.append(cell)
        timed = [name for name in peers if name in times]
        fastest = min(timed, key=lambda name: median(times[name]), default=None)
        if fastest is None:
            cells.append("–")
        elif ours and (by_round := ratios(times[fastest], ours)):
            against.append(statistics.median(by_round))
            cells.append(f"{fastest} {against[-1]:.2f}")
        else:
            cells.append(fastest)
        lines.append("| " + " | ".join(cells) + " |")
    notes = []
    if against:
        mean = math.exp(statistics.fmean(map(math.log, against)))
        notes.append(f"Against the fastest peer of each case: ahead in {sum(r > 1 for r in against)} of {len(against)}, "
                     f"ratio {min(against):.2f} to {max(against):.2f}, geometric mean {mean:.2f}.")
    reasons = {}
    for case, _, why in results:
        for name, reason in why.items():
            reasons.setdefault((name, reason), []).append(case)
    for (name, reason), cases in reasons.items():
        some = ", ".join(cases[:3]) + (f" and {len(cases) - 3} more" if len(cases) > 3 else "")
        notes.append(f"Without {name} ({reason}): {some}.")
    return "\n".join(lines + [""] + [f"- {note}" for note in notes])
