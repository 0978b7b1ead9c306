"""Logistic regression on the frozen model's features, with scikit-learn.

The host computes the features (Peters et al. 2019, To Tune or Not to Tune?,
section 2); this process holds no language model.
"""

import json
import os

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

RESULT = "classifier.json"  # numbers only: loading a result runs no code, as a pickle would

METHOD = {
    "name": "sklearn-logistic", "version": "0.1.0", "sdk": "python-example 0.1.0", "protocols": [1], "protocol_minor": 1,
    "summary": "scikit-learn's logistic regression on the frozen model's features", "family": "classic",
    "citation": "Peters et al. 2019, To Tune or Not to Tune?, section 2; Pedregosa et al. 2011, Scikit-learn",
    "tasks": ["classification"], "modes": ["labels"], "trains": True, "resume": False,
}

SCHEMA = {"params": [
    {"name": "features", "type": "string", "default": "both", "choices": ["last", "mean", "both"],
     "description": "hidden state of the last token, mean over tokens, or the two together"},
    {"name": "layer", "type": "int", "default": -1, "min": -1,
     "description": "which hidden state: 0 the embeddings, n that after the n-th block, -1 the last", "source": "transformers, output_hidden_states"},
    {"name": "c", "type": "float", "default": 1, "min": 0.0001, "max": 10000,
     "description": "inverse strength of the L2 penalty", "source": "scikit-learn LogisticRegression, C"},
    {"name": "max_iter", "type": "int", "default": 1000, "min": 1, "max": 100000,
     "description": "iterations of L-BFGS at most", "source": "scikit-learn LogisticRegression"},
]}


def query(task, params):
    """How the host is asked for features: pooling, layer, and where texts are cut."""
    return params["features"], int(params["layer"]), int(task.get("max_length") or 0)


def rows(labels):
    return 1 if labels == 2 else labels  # scikit-learn fits one row for two labels


def train(x, y, task, params):
    """The classifier fitted on features x [n, columns], as plain numbers; ValueError says what is wrong."""
    if set(y) != set(range(len(task["labels"]))):
        raise ValueError("each of the task's labels needs at least one training example")
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=float(params["c"]), max_iter=int(params["max_iter"]))
    model.fit(scaler.transform(x), np.array(y))
    return {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist(),
            "coef": model.coef_.tolist(), "intercept": model.intercept_.tolist()}


def trainable(labels, columns):
    return rows(labels) * (columns + 1)


def save(result, folder):
    with open(os.path.join(folder, RESULT), "w", encoding="utf-8") as f:
        json.dump(result, f)


def load(folder):
    with open(os.path.join(folder, RESULT), encoding="utf-8") as f:
        return json.load(f)


def predict(result, x):
    """A score for each label, of each row of features in turn."""
    z = (x - np.array(result["mean"])) / np.array(result["scale"])
    scores = z @ np.array(result["coef"]).T + np.array(result["intercept"])
    if scores.shape[1] == 1:
        scores = np.hstack([-scores / 2, scores / 2])
    return scores.tolist()
