"""Logistic regression on hashed words, with scikit-learn.

Features: a 1,024-bucket hashed bag of words (Weinberger et al. 2009, Feature
Hashing for Large Scale Multitask Learning, section 2). The model of the run is
not used: this is the baseline that needs none.
"""

import json
import os

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

BUCKETS = 1024
RESULT = "classifier.json"  # numbers only: loading a result runs no code, as a pickle would

METHOD = {
    "name": "bow-logistic", "version": "0.1.0", "sdk": "python-example 0.1.0", "protocols": [1],
    "summary": "logistic regression on hashed words, with scikit-learn", "family": "classic",
    "citation": "Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning, section 2",
    "tasks": ["classification"], "modes": ["labels"], "trains": True, "resume": False,
}

SCHEMA = {"params": [
    {"name": "c", "type": "float", "default": 1, "min": 0.0001, "max": 10000,
     "description": "inverse strength of the L2 penalty", "source": "scikit-learn LogisticRegression, C"},
    {"name": "max_iter", "type": "int", "default": 200, "min": 1, "max": 100000,
     "description": "iterations of L-BFGS at most", "source": "scikit-learn LogisticRegression"},
]}


def features(texts):
    hashed = HashingVectorizer(n_features=BUCKETS, alternate_sign=False, norm="l2")
    return hashed.transform(texts)


def rows(labels):
    return 1 if labels == 2 else labels  # scikit-learn fits one row for two labels


def train(examples, task, params):
    """The fitted classifier as plain numbers; ValueError says what is wrong."""
    labels = len(task["labels"])
    y = np.array([e["label"] for e in examples])
    if set(y) != set(range(labels)):
        raise ValueError("each of the task's labels needs at least one training example")
    model = LogisticRegression(C=float(params["c"]), max_iter=int(params["max_iter"]))
    model.fit(features([e["input"] for e in examples]), y)
    return {"coef": model.coef_.tolist(), "intercept": model.intercept_.tolist()}


def trainable(task):
    return rows(len(task["labels"])) * (BUCKETS + 1)


def save(result, folder):
    with open(os.path.join(folder, RESULT), "w", encoding="utf-8") as f:
        json.dump(result, f)


def predict(items, folder):
    """A score for each label, of each item in turn."""
    with open(os.path.join(folder, RESULT), encoding="utf-8") as f:
        result = json.load(f)
    scores = features([i["input"] for i in items]) @ np.array(result["coef"]).T + np.array(result["intercept"])
    if scores.shape[1] == 1:
        scores = np.hstack([-scores / 2, scores / 2])
    return scores.tolist()
