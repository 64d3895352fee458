#!/usr/bin/env python3
"""Write the numbers that the metrics are held against, computed by scikit-learn.

    python3 -m venv VENV && VENV/bin/pip install numpy scikit-learn
    VENV/bin/python tools/sklearn_oracle.py [--out FOLDER]

writes `metrics.json` to `crates/learn/tests/oracle/`. Inputs are from a fixed numpy `RandomState`, rounded to
multiples of 1/1024 where they are numbers and normalised where they are probabilities; a case is

    classes         their number, with `labels` and `probabilities`, row after row; or null, with `predicted` and `values`
    expected        {metric: value}

The calibration error, which scikit-learn lacks, is computed here from its definition with numpy's histogram.
"""
import argparse
import json
import pathlib

import numpy as np
import sklearn
from sklearn import metrics as m

HERE = pathlib.Path(__file__).resolve().parent


def calibration_error(p, labels, bins=15):
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    place = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    return sum(abs(right[place == b].mean() - confidence[place == b].mean()) * (place == b).mean()
               for b in range(bins) if (place == b).any())


def classes(random, rows, count, sharpness, ties):
    labels = random.randint(count, size=rows)
    labels[:count] = np.arange(count)
    logits = random.normal(size=(rows, count))
    logits[np.arange(rows), labels] += sharpness
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if ties:
        # Sixteenths: equal where they are meant to be, to the last bit.
        p = np.stack([random.multinomial(16, row) for row in p]) / 16
    predicted = p.argmax(axis=1)
    scores = p[:, 1] if count == 2 else p
    onehot = np.eye(count)[labels]
    expected = {
        "accuracy": m.accuracy_score(labels, predicted),
        "balanced_accuracy": m.balanced_accuracy_score(labels, predicted),
        "precision_macro": m.precision_score(labels, predicted, average="macro", zero_division=0),
        "recall_macro": m.recall_score(labels, predicted, average="macro", zero_division=0),
        "f1_macro": m.f1_score(labels, predicted, average="macro", zero_division=0),
        "f1_micro": m.f1_score(labels, predicted, average="micro"),
        "roc_auc": m.roc_auc_score(labels, scores, multi_class="ovr"),
        "pr_auc": m.average_precision_score(labels if count == 2 else onehot, scores),
        "log_loss": m.log_loss(labels, p),
        "brier": m.brier_score_loss(labels, scores),
        "calibration_error": calibration_error(p, labels),
    }
    if not ties:
        expected |= {f"top_{k}": m.top_k_accuracy_score(labels, p, k=k) for k in (2, 5) if k < count}
    return {"classes": count, "labels": labels.tolist(), "probabilities": p.reshape(-1).tolist(), "expected": expected,
            "confusion": m.confusion_matrix(labels, predicted, labels=np.arange(count)).tolist()}


def numbers(random, rows):
    values = np.round(random.normal(size=rows) * 1024) / 1024
    predicted = np.round((values + random.normal(size=rows) / 2) * 1024) / 1024
    return {"classes": None, "predicted": predicted.tolist(), "values": values.tolist(), "expected": {
        "mse": m.mean_squared_error(values, predicted),
        "rmse": m.root_mean_squared_error(values, predicted),
        "mae": m.mean_absolute_error(values, predicted),
        "median_absolute_error": m.median_absolute_error(values, predicted),
        "r2": m.r2_score(values, predicted),
    }}


def main():
    parser = argparse.ArgumentParser(description="Write the numbers that the metrics are held against.")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "crates/learn/tests/oracle")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    random = np.random.RandomState(4)
    cases = [classes(random, *case) for case in
             [(40, 2, 1.0, False), (41, 2, 0.5, True), (60, 3, 1.0, False), (50, 3, 0.0, True), (90, 7, 1.5, False)]]
    cases += [numbers(random, rows) for rows in (31, 20)]
    stored = {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "cases": cases}
    (out / "metrics.json").write_text(json.dumps(stored) + "\n")


if __name__ == "__main__":
    main()
