#!/usr/bin/env python3
"""The short table of a run of scripts/gpu-check: goals met or missed, ours beside peers.

    summary.py OUT > OUT/summary.md

Reads timings.jsonl, parity.jsonl, sanitizer.txt, roofline.jsonl and device.txt of OUT, as
far as they are there.
"""

import json
import pathlib
import sys

OURS, EXACT = "sinsim", "f64 reference"


def lines(path):
    if not path.exists():
        return []
    found = []
    for text in path.read_text(errors="replace").splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def text(path):
    return path.read_text(errors="replace") if path.exists() else ""


class Timings:
    """Lines by problem (function, n, d) and peer; the last of a peer counts."""

    def __init__(self, found):
        self.by, self.left_out = {}, []
        for line in found:
            if "problem" not in line or "peer" not in line:
                continue
            key = (line["problem"], line["n"], line["d"])
            if "problem_found" in line:
                self.left_out.append((key, line["peer"], line["problem_found"]))
            else:
                self.by.setdefault(key, {})[line["peer"]] = line

    def seconds(self, key, peer):
        return self.by.get(key, {}).get(peer, {}).get("sec")

    def exact(self, key):
        name, n, d = key
        # The cost's being part of the call or not does not change the answer.
        for other in (name, f"{name} with cost"):
            value = self.by.get((other, n, d), {}).get(EXACT, {}).get("value")
            if value is not None:
                return value
        return None

    def error(self, key, peer):
        exact, value = self.exact(key), self.by.get(key, {}).get(peer, {}).get("value")
        if exact is None or value is None:
            return None
        return abs(value - exact) / max(abs(exact), 1e-300)


def shown(number, form):
    return "" if number is None else format(number, form)


def ratio(a, b):
    return a / b if a and b else None


def goal(title, wanted, measured, met):
    verdict = "not measured" if met is None else "met" if met else "MISSED"
    return f"| {title} | {wanted} | {measured} | {verdict} |"


def fastest(timings, key, words):
    """The fastest peer whose name begins so, of f32 accuracy."""
    peers = timings.by.get(key, {})
    names = [p for p in peers if p.startswith(words) and "TF32" not in p]
    return min(names, key=lambda p: peers[p]["sec"], default=None)


def against(timings, key, words, factor, title):
    peer = fastest(timings, key, words)
    times = ratio(timings.seconds(key, peer), timings.seconds(key, OURS)) if peer else None
    measured = "" if times is None else f"{times:.2f} times ({peer})"
    return goal(title, f"at least {factor:g} times faster", measured, None if times is None else times >= factor)


def goals(timings, parity, roofline):
    dense, whole = ("sinkhorn", 4096, 128), ("sinkhorn with cost", 4096, 128)
    contrast = ("nt_xent", 8192, 128)
    milliseconds = timings.seconds(dense, OURS)
    milliseconds = None if milliseconds is None else 1e3 * milliseconds
    yield goal(
        "Sinkhorn 4096, d = 128, 50 dense iterations, cost given", "at most 2 ms",
        "" if milliseconds is None else f"{milliseconds:.3f} ms",
        None if milliseconds is None else milliseconds <= 2,
    )
    yield against(timings, dense, "torch compiled", 3, "the same beside torch.compile (faster of with and without CUDA graph)")
    yield against(timings, whole, "torch compiled", 3, "the same, cost included")
    yield against(timings, whole, "flash-sinkhorn", 1, "the same beside flash-sinkhorn in f32")
    yield against(timings, contrast, "torch compiled", 2, "NT-Xent with gradient, 2N = 8192, d = 128, beside torch.compile")
    if parity:
        off = sum(not line["ok"] for line in parity)
        worst = max((line["error"] for line in parity if line["error"] is not None), default=None)
        yield goal("agreement with f64", "1e-5 relative", f"{off} of {len(parity)} off, worst {shown(worst, '.1e')}", off == 0)
    else:
        yield goal("agreement with f64", "1e-5 relative", "", None)
    total = [l for l in roofline if l["roofline"] == "all kernels" and l["problem"]["problem"] == "sinkhorn" and l["problem"]["n"] == 4096]
    times = ratio(total[-1]["microseconds"], total[-1]["least"]) if total else None
    yield goal("Sinkhorn 4096: all kernels beside the roofline", "within 2 times", "" if times is None else f"{times:.2f} times", None if times is None else times <= 2)


def main():
    out = pathlib.Path(sys.argv[1])
    timings = Timings(lines(out / "timings.jsonl"))
    parity = [l for l in lines(out / "parity.jsonl") if "function" in l]
    roofline = [l for l in lines(out / "roofline.jsonl") if "roofline" in l]
    print("# On a GPU\n")
    print("```text\n" + text(out / "device.txt").strip() + "\n```\n")
    print("## Goals\n\n| what | goal | measured | |\n|---|---|---|---|")
    print("\n".join(goals(timings, parity, roofline)))
    print("\n## Parts\n")
    for line in text(out / "log.txt").splitlines():
        if line.startswith("part "):
            print("- " + line)
    print("\n## Sanitizer\n")
    found = [l.strip("= ") for l in text(out / "sanitizer.txt").splitlines() if "SUMMARY" in l or l.startswith("--") or "skipped" in l]
    print("\n".join(f"- {line}" for line in found) or "not run")
    print("\n## Timings\n\nMedians by events; errors are of the value, relative to f64; flash-sinkhorn and TF32 as named.\n")
    print("| problem | n | d | program | ms | best ms | runs | times ours | value's error | L1 error |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for key, peers in timings.by.items():
        for peer in sorted((p for p in peers if p != EXACT), key=lambda p: peers[p]["sec"]):
            line = peers[peer]
            cells = [*map(str, key), peer, f"{1e3 * line['sec']:.4f}", f"{1e3 * line['best']:.4f}", str(line["runs"])]
            cells += [shown(ratio(line["sec"], timings.seconds(key, OURS)), ".2f")]
            cells += [shown(timings.error(key, peer), ".1e"), shown(line.get("marg_l1"), ".1e")]
            print("| " + " | ".join(cells) + " |")
    off = [l for l in parity if not l["ok"]]
    print(f"\n## Parity\n\n{len(parity)} compared with f64, {len(off)} off by more than 1e-5.\n")
    for line in off[:40]:
        print(f"- {line['function']}, {line['size']}, {line['quantity']}: {line['error']} {line['problem']}")
    if timings.left_out:
        print("\n## Left out\n")
        for key, peer, problem in timings.left_out:
            print(f"- {peer}, {key[0]} {key[1]} x {key[2]}: {problem.splitlines()[0] if problem else ''}")


if __name__ == "__main__":
    main()
