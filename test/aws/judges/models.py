"""Holds requests against botocore's models of AWS's services.

`python models.py requests` reads one request a line, as {service, action, input}, and prints one line for each problem.
`python models.py members` reads one {service, action} a line, and prints a line for every member of their inputs, with what bounds it.
"""

import json
import re
import sys

import botocore.session

SESSION = botocore.session.Session()
MODELS = {}
TEXTS = {"string", "blob"}


def model(service):
    MODELS[service] = MODELS.get(service) or SESSION.get_service_model(service)
    return MODELS[service]


def input_of(service, action):
    """The shape of an operation's input; None where the model has no such operation, or the operation no input."""
    known = model(service)
    return known.operation_model(action).input_shape if action in known.operation_names else None


def numbers(service):
    """Whether numbers and truths come as texts, as in the query protocol."""
    return model(service).metadata["protocol"] == "query"


def bounded(metadata, size, path):
    if size < metadata.get("min", size):
        yield f"{path}: {size} is less than {metadata['min']}"
    if size > metadata.get("max", size):
        yield f"{path}: {size} is more than {metadata['max']}"


def problems(shape, value, path, as_texts):
    """What a value has that its shape does not allow, or lacks."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{path}: is no structure"
            return
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"{path}.{name}: is missing"
        for name, inner in value.items():
            if name not in shape.members:
                yield f"{path}.{name}: is unknown"
            elif inner is not None:
                yield from problems(shape.members[name], inner, f"{path}.{name}", as_texts)
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{path}: is no list"
            return
        yield from bounded(shape.metadata, len(value), path)
        for inner in value:
            yield from problems(shape.member, inner, f"{path}[]", as_texts)
    elif kind == "map":
        yield from bounded(shape.metadata, len(value), path)
        for key, inner in value.items():
            yield from problems(shape.key, key, f"{path}{{key}}", as_texts)
            yield from problems(shape.value, inner, f"{path}{{}}", as_texts)
    elif kind in TEXTS:
        if not isinstance(value, str):
            yield f"{path}: is no text"
            return
        yield from bounded(shape.metadata, len(value), path)
        if getattr(shape, "enum", None) and value not in shape.enum:
            yield f"{path}: {value} is none of {', '.join(shape.enum)}"
        pattern = shape.metadata.get("pattern")
        if pattern and not matches(pattern, value):
            yield f"{path}: does not match {pattern}"
    elif kind in {"integer", "long"}:
        number = int(value) if as_texts and isinstance(value, str) and re.fullmatch(r"-?\d+", value) else value
        if isinstance(number, bool) or not isinstance(number, int):
            yield f"{path}: is no whole number"
        else:
            yield from bounded(shape.metadata, number, path)
    elif kind == "boolean":
        if not isinstance(value, bool) and not (as_texts and value in {"true", "false"}):
            yield f"{path}: is no truth"


def matches(pattern, value):
    # The models are in Java's dialect, where \u has a meaning and a pattern must match the whole.
    return re.fullmatch(pattern.replace("\\p{L}\\p{Z}\\p{N}", "\\w\\s"), value) is not None


def members(shape, path, seen=()):
    """Every member of a shape by its path, with what bounds it."""
    kind = shape.type_name
    if kind == "structure":
        if shape.name in seen:
            return
        for name, inner in shape.members.items():
            at = f"{path}.{name}".lstrip(".")
            yield at, limits(inner, name in shape.required_members)
            yield from members(inner, at, (*seen, shape.name))
    elif kind == "list":
        yield f"{path}[]", limits(shape.member)
        yield from members(shape.member, f"{path}[]", seen)
    elif kind == "map":
        yield f"{path}{{key}}", limits(shape.key)
        yield f"{path}{{}}", limits(shape.value)


def limits(shape, required=False):
    words = [shape.type_name, *(["required"] if required else [])]
    words += [f"{name}={shape.metadata[name]}" for name in ("min", "max") if name in shape.metadata]
    if getattr(shape, "enum", None):
        words.append(f"enum={'|'.join(shape.enum)}")
    if "pattern" in shape.metadata:
        words.append(f"pattern={shape.metadata['pattern']}")
    return " ".join(words)


def requests(lines):
    for line in lines:
        request = json.loads(line)
        service, action, given = request["service"], request["action"], request["input"]
        if action not in model(service).operation_names:
            yield f"{service}:{action}: is unknown"
            continue
        shape = input_of(service, action)
        if shape is None:
            continue
        for problem in problems(shape, given, f"{service}:{action}", numbers(service)):
            yield problem


if __name__ == "__main__":
    lines = [line for line in sys.stdin if line.strip()]
    if sys.argv[1] == "requests":
        for problem in requests(lines):
            print(json.dumps(problem))
    else:
        for request in map(json.loads, lines):
            shape = input_of(request["service"], request["action"])
            for path, bounds in () if shape is None else members(shape, ""):
                print(f"{request['service']}:{request['action']} {path} {bounds}")
