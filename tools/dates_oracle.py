#!/usr/bin/env python3
"""Write the numbers that dates are held against, computed by pandas.

    python3 -m venv VENV && VENV/bin/pip install pandas scikit-learn
    VENV/bin/python tools/dates_oracle.py [--out FOLDER]

Writes `dates.json` to `crates/learn/tests/oracle/`:

    cells           as a table has them, in several forms; `` is an empty one
    seconds         since 1970, UTC; null for an empty one
    fitted          how many rows, from the first on, the encoding is fitted on
    names, values   of the encoded numbers, row after row

The trend is SimpleImputer(median) and StandardScaler over the seconds, the cycles are by pandas' calendar.
"""
import argparse
import json
import pathlib

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).resolve().parent
FORMS = [
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d %b %Y",
    "%d-%B-%Y %H:%M:%S",
    "%b %d, %Y %H:%M",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S+09:00",
    "%Y-%m-%dT%H:%M:%S-0530",
    "%Y-%m-%dT%H:%M:%SZ",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "crates/learn/tests/oracle")
    out = parser.parse_args().out
    random = np.random.default_rng(1)
    moments = pd.to_datetime(random.integers(-2_200_000_000, 4_000_000_000, 200), unit="s")
    cells, seconds = [], []
    for at, moment in enumerate(moments):
        cell = "" if at % 17 == 5 else moment.strftime(FORMS[at % len(FORMS)])
        cells.append(cell)
        seconds.append(np.nan if cell == "" else pd.to_datetime(cell, utc=True).timestamp())
    seconds = np.array(seconds)
    fitted = 150
    imputer = SimpleImputer(strategy="median").fit(seconds[:fitted, None])
    filled = imputer.transform(seconds[:, None])
    trend = StandardScaler().fit(filled[:fitted]).transform(filled)[:, 0]
    empty = np.isnan(seconds)
    times = pd.to_datetime(pd.Series(np.round(np.where(empty, 0, seconds) * 1e6)), unit="us")
    midnight = times.dt.normalize()
    of_day = (times - midnight).dt.total_seconds() / 86400
    of_week = (times.dt.day_of_week + of_day) / 7
    of_year = (times.dt.day_of_year - 1 + of_day) / np.where(times.dt.is_leap_year, 366, 365)
    columns, names = [trend, empty.astype(float)], ["when", "when is empty"]
    for cycle, part in [("year", of_year), ("week", of_week), ("day", of_day)]:
        for name, function in [("sine", np.sin), ("cosine", np.cos)]:
            columns.append(np.where(empty, 0, function(2 * np.pi * part)))
            names.append(f"when, {name} of the {cycle}")
    written = {
        "pandas": pd.__version__,
        "cells": cells,
        "seconds": [None if np.isnan(x) else x for x in seconds],
        "fitted": fitted,
        "names": names,
        "values": [float(x) for x in np.stack(columns, axis=1).ravel()],
    }
    (out / "dates.json").write_text(json.dumps(written) + "\n")


main()
