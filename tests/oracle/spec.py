"""`NAME[:option=value,...]` policy specifications (contract section 4)."""

SUFFIXES = {
    "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50,
    "k": 10 ** 3, "M": 10 ** 6, "G": 10 ** 9, "T": 10 ** 12, "P": 10 ** 15,
}
UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

DEFAULTS = {
    "percentile": {"percentile": 0.9, "margin": 0.4},
    "max": {"margin": 0.15},
    "request": {},
    "adaptive": {"risk": 1.0, "oomBump": 2.0},
}
RISKS = {"thrifty": 0.5, "balanced": 1.0, "safe": 2.0}
COMMON = {"oomBump": 1.2, "oomBumpMin": 100 << 20, "halfLife": 24 * 3_600_000}


def parse_bytes(text):
    """A Kubernetes quantity in bytes, rounded up to a whole byte."""
    from fractions import Fraction
    text = text.strip()
    scale = 1
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if text.endswith(suffix):
            text, scale = text[: -len(suffix)], SUFFIXES[suffix]
            break
    else:
        if text.endswith("m"):
            text, scale = text[:-1], Fraction(1, 1000)
    exact = Fraction(text) * scale
    return -((-exact.numerator) // exact.denominator)


def parse_duration_ms(text):
    """One or more NUMBER UNIT pairs: 24h, 1h30m, 90s."""
    import re
    total = 0.0
    matched = ""
    for number, unit in re.findall(r"([0-9.]+)(ms|s|m|h|d)", text):
        total += float(number) * UNITS_MS[unit]
        matched += number + unit
    if matched != text or not text:
        raise ValueError(f"not a duration: {text!r}")
    return round(total)


def parse(text):
    """-> (name, options) with defaults filled in; ValueError if unknown."""
    name, _, rest = text.partition(":")
    if name not in DEFAULTS:
        raise ValueError(f"unknown policy {name!r}")
    options = {**COMMON, **DEFAULTS[name]}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"option without a value: {part!r}")
        if key == "oomBumpMin":
            options[key] = parse_bytes(value)
        elif key == "halfLife":
            options[key] = parse_duration_ms(value)
        elif key == "risk" and name == "adaptive":
            options[key] = RISKS[value] if value in RISKS else float(value)
        elif key == "oomBump" or (key in ("percentile", "margin") and name != "adaptive"):
            options[key] = float(value)
        else:
            raise ValueError(f"unknown option {key!r} of policy {name!r}")
    return name, options
