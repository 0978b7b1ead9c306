"""Parameters checked against the schema, as Schema.Resolve of tunelab's Go SDK does."""

from tunelab.plugin.v1 import plugin_pb2 as pb

TYPES = {"int": (int, float), "float": (int, float), "bool": (bool,), "string": (str,)}


def resolve(schema, given):
    """Values with defaults filled in, and a diagnostic for each mistake."""
    known = {p["name"]: p for p in schema["params"]}
    values = {name: p["default"] for name, p in known.items()}
    wrong = []
    for name in sorted(given):
        p = known.get(name)
        problem = "unknown parameter" if p is None else check(p, given[name])
        if problem:
            wrong.append(pb.Diagnostic(severity="error", path="params." + name, summary=problem,
                                       detail="the method has: " + ", ".join(known) if p is None else f"expected {p['type']}"))
        else:
            values[name] = given[name]
    return values, wrong


def check(p, v):
    if not isinstance(v, TYPES[p["type"]]) or (isinstance(v, bool) and p["type"] != "bool"):
        return f"got {v!r}"
    if p["type"] == "int" and v != int(v):
        return f"got {v!r}, which is no whole number"
    if "min" in p and v < p["min"] or "max" in p and v > p["max"]:
        return f"out of range: got {v}"
    if p.get("choices") and v not in p["choices"]:
        return f"got {v!r}, which is no choice"
    return ""
