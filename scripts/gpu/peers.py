#!/usr/bin/env python3
"""What a user of a GPU would take instead, timed on the same GPU by the same rules.

    peers.py --scale full --lines timings.jsonl --ceilings ceilings.jsonl

PyTorch eager and compiled, and flash-sinkhorn where it is installed. One JSON line for a
problem and a peer; medians by CUDA events. Inputs are those of benches/src/problem.rs
(SplitMix64 and Box-Muller from a seed), rounded to f32. Products of matrices are in f32
unless the peer's name says TF32. What fails is told in its line and left out.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

EPS, TAU, ITERS = 0.05, 0.5, 50
WARM, LONGEST_SECONDS = 3, 8.0


# Inputs

def words(seed, count):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def normal(seed, count):
    pairs = words(seed, 2 * ((count + 1) // 2)) >> np.uint64(11)
    u = (pairs[0::2].astype(np.float64) + 1.0) * 2.0**-53
    angle = 2 * np.pi * pairs[1::2].astype(np.float64) * 2.0**-53
    radius = np.sqrt(-2 * np.log(u))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()[:count]


def cloud(seed, n, d):
    x = normal(seed, n * d).reshape(n, d)
    return x / np.sqrt((x * x).sum(1, keepdims=True))


def views(rows, d):
    first = normal(1_000_003, rows // 2 * d).reshape(-1, d)
    noise = normal(2_000_003, rows // 2 * d).reshape(-1, d)
    return np.concatenate([first, first + noise])


# Timing

class Bench:
    def __init__(self, args):
        self.args, self.cuda = args, args.device == "cuda"
        self.small = args.scale == "small"
        self.repeats = {"small": 2, "quick": 20, "full": 30}[args.scale]
        self.deadline = time.monotonic() + args.budget
        self.out = open(args.lines, "a") if args.lines else None

    def tensor(self, array):
        return torch.tensor(array, dtype=torch.float32, device=self.args.device)

    def compiled(self, function):
        # Anew for each size, so that no compilation has to serve several.
        torch._dynamo.reset()
        backend = "eager" if self.small else "inductor"
        return torch.compile(function, dynamic=False, backend=backend)

    def sync(self):
        if self.cuda:
            torch.cuda.synchronize()

    def once(self, run):
        if not self.cuda:
            start = time.perf_counter()
            run()
            return time.perf_counter() - start
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3

    def line(self, line):
        print(json.dumps(line), flush=True)
        if self.out:
            self.out.write(json.dumps(line) + "\n")
            self.out.flush()

    def peer(self, name, fields, make, tf32=False):
        """Times the first of the functions that make() returns; the second turns what it gives
        into a value and a marginal error."""
        line = {"peer": name, "dtype": "f32", **fields}
        if time.monotonic() > self.deadline:
            line["problem_found"] = "no time was left"
            return self.line(line)
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        try:
            run, told = make()
            last = run()
            for _ in range(WARM - 1):
                last = run()
            self.sync()
            began, seconds = time.monotonic(), []
            while len(seconds) < self.repeats:
                seconds.append(self.once(run))
                if time.monotonic() - began > LONGEST_SECONDS and len(seconds) >= 5:
                    break
            value, error = told(last)
            line.update(sec=statistics.median(seconds), best=min(seconds), worst=max(seconds))
            line.update(runs=len(seconds), value=value, marg_l1=error, version=torch.__version__)
            line.update(device=torch.cuda.get_device_name() if self.cuda else "CPU", threads=1)
            if self.cuda:
                line["peak_device_mb"] = round(torch.cuda.max_memory_allocated() / 2**20)
        except Exception as problem:  # A peer that fails must not take the others along.
            line["problem_found"] = f"{type(problem).__name__}: {problem}"[:400]
        finally:
            if self.cuda:
                try:
                    torch.cuda.empty_cache()
                    torch.cuda.reset_peak_memory_stats()
                except Exception as problem:
                    print(f"peers.py: the GPU failed: {problem}", file=sys.stderr)
        self.line(line)


# Transport

def judge(x, y, f, g, eps):
    """Dual value and L1 error of the marginals in f64, as the program's are."""
    x, y, f, g = (t.detach().double() for t in (x, y, f.reshape(-1), g.reshape(-1)))
    n, m = len(x), len(y)
    columns, total, error = torch.zeros(m, dtype=torch.float64, device=x.device), 0.0, 0.0
    for at in range(0, n, 1024):
        part = x[at:at + 1024]
        cost = (part * part).sum(1)[:, None] + (y * y).sum(1)[None] - 2 * part @ y.T
        plan = torch.exp((f[at:at + 1024, None] + g[None] - cost) / eps) / (n * m)
        rows = plan.sum(1)
        columns += plan.sum(0)
        total += float(rows.sum())
        error += float((rows - 1 / n).abs().sum())
    error += float((columns - 1 / m).abs().sum())
    return float(f.mean() + g.mean()) - eps * (total - 1), error


def sinkhorn(bench, n, d, iters, only):
    x, y = bench.tensor(cloud(1_000_003, n, d)), bench.tensor(cloud(2_000_003, n, d))
    log_share = -math.log(n)
    told = lambda potentials: judge(x, y, *potentials, EPS)
    if only.startswith("flash"):
        fields = {"problem": "sinkhorn with cost", "n": n, "d": d, "eps": EPS, "iters": iters}
        return bench.peer(only, fields, flash(x, y, iters, only.endswith("TF32"), told))

    def costs():
        return (x * x).sum(1)[:, None] + (y * y).sum(1)[None] - 2 * x @ y.T

    def step(f, g, cost):
        g = -EPS * torch.logsumexp((f[:, None] - cost) * (1 / EPS) + log_share, 0)
        f = -EPS * torch.logsumexp((g[None, :] - cost) * (1 / EPS) + log_share, 1)
        return f, g

    def loop(step, cost):
        f, g = torch.zeros_like(x[:, 0]), torch.zeros_like(y[:, 0])
        for _ in range(iters):
            f, g = step(f, g, cost)
        return f, g

    def whole(compiled, with_cost, graph):
        def make():
            one = bench.compiled(step) if compiled else step
            kept = None if with_cost else costs()
            run = lambda: loop(one, costs() if with_cost else kept)
            if not graph:
                return torch.no_grad()(run), told
            with torch.no_grad():
                stream = torch.cuda.Stream()
                with torch.cuda.stream(stream):
                    run(), run()
                torch.cuda.synchronize()
                captured = torch.cuda.CUDAGraph()
                with torch.cuda.graph(captured):
                    out = run()

            def replay():
                captured.replay()
                return out
            return replay, told
        return make

    for with_cost in (True, False):
        fields = {"problem": "sinkhorn with cost" if with_cost else "sinkhorn"}
        fields.update(n=n, d=d, eps=EPS, iters=iters)
        bench.peer("torch compiled", fields, whole(True, with_cost, False))
        if bench.cuda:
            bench.peer("torch compiled, CUDA graph", fields, whole(True, with_cost, True))
        bench.peer("torch eager", fields, whole(False, with_cost, False))


def flash(x, y, iters, tf32, told):
    def make():
        try:
            from flash_sinkhorn.sinkhorn_solvers import sinkhorn_flashstyle_alternating as solve
        except ImportError as problem:
            raise RuntimeError(f"not installed ({problem})") from None
        if not x.is_cuda:
            raise RuntimeError("needs a GPU")
        a, b = (torch.full((len(t),), 1 / len(t), device=t.device) for t in (x, y))
        return lambda: solve(x, y, a, b, eps=EPS, n_iters=iters, allow_tf32=tf32), told
    return make


# Losses of two views

def nt_xent(z, n):
    z = F.normalize(z, dim=1)
    s = (z @ z.T / TAU).masked_fill(torch.eye(2 * n, dtype=torch.bool, device=z.device), -math.inf)
    other = torch.arange(2 * n, device=z.device).roll(n)
    return F.cross_entropy(s, other)


def vicreg(z, n):
    a, b = z[:n], z[n:]
    loss = 25.0 * F.mse_loss(a, b)
    for view in (a, b):
        c = view - view.mean(0)
        deviation = torch.sqrt(c.square().sum(0) / (n - 1) + 1e-4)
        covariance = c.T @ c / (n - 1)
        off = covariance.square().sum() - covariance.diagonal().square().sum()
        loss = loss + 12.5 * torch.relu(1 - deviation).mean() + off / z.shape[1]
    return loss


def barlow_twins(z, n):
    hat = [(v - v.mean(0)) / torch.sqrt(v.var(0, correction=0) + 1e-5) for v in (z[:n], z[n:])]
    c = hat[0].T @ hat[1] / n
    on = c.diagonal()
    return (1 - on).square().sum() + 0.0051 * (c.square().sum() - on.square().sum())


def byol_against(target):
    def byol(z, n):
        q, t = F.normalize(z, dim=1), F.normalize(target, dim=1).roll(n, 0)
        return (q - t).square().sum() / n
    return byol


def losses(bench, problem, function, rows, d):
    fields = {"problem": problem, "n": rows, "d": d}
    z = bench.tensor(views(rows, d)).requires_grad_()

    def whole(compiled):
        def make():
            loss = bench.compiled(function) if compiled else function

            def run():
                z.grad = None
                value = loss(z, rows // 2)
                value.backward()
                return value.detach()
            return run, lambda value: (float(value), None)
        return make
    # Of BYOL nothing is a product of matrices.
    for tf32 in (False, True)[:1 if problem == "byol" else 2]:
        suffix = " TF32" if tf32 else ""
        bench.peer("torch compiled" + suffix, fields, whole(True), tf32)
        bench.peer("torch eager" + suffix, fields, whole(False), tf32)


def log_sum_exps(bench, side):
    u, v = normal(1_000_003, side), normal(2_000_003, side)
    x = bench.tensor(3.0 * (u[:, None] + v[None, :]))
    for axis, name in ((1, "rows"), (0, "columns")):
        def of(x, axis=axis):
            return torch.logsumexp(x, axis)
        fields = {"problem": f"log_sum_exp of {name}", "n": side, "d": side}
        told = lambda out: (float(out.double().mean()), None)
        bench.peer("torch compiled", fields, lambda of=of: ((lambda c: lambda: c(x))(bench.compiled(of)), told))
        bench.peer("torch eager", fields, lambda of=of: ((lambda: of(x)), told))


def products(bench, side):
    a, b = (bench.tensor(normal(s, side * side).reshape(side, side)) for s in (1_000_003, 2_000_003))
    told = lambda out: (float(out.double().mean()), None)
    for tf32 in (False, True):
        fields = {"problem": "matrix_product", "n": side, "d": side}
        bench.peer("torch" + (" TF32" if tf32 else ""), fields, lambda: ((lambda: a @ b), told), tf32)


# What the GPU allows

def ceilings(bench, path):
    def rate(units, run):
        for _ in range(3):
            run()
        bench.sync()
        return units / min(bench.once(run) for _ in range(10))
    found = {}
    words_of, side = (1 << 12, 64) if bench.small else (1 << 28, 8192)
    x = torch.ones(words_of, device=bench.args.device)
    y = torch.empty_like(x)
    found["bytes"] = rate(8 * words_of, lambda: y.copy_(x))
    del x, y
    a, b = torch.randn(2, side, side, device=bench.args.device)
    for name, tf32 in (("fma", False), ("tensor", True)):
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        found[name] = rate(side**3, lambda: a @ b)
    if bench.cuda:
        # 16 special-function results a clock and multiprocessor (compute capability 8 and 9).
        query = ["nvidia-smi", "--query-gpu=clocks.max.sm", "--format=csv,noheader,nounits", "-i", "0"]
        try:
            clock = float(subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0])
            units = torch.cuda.get_device_properties(0).multi_processor_count
            found["exponentials"] = 16 * units * clock * 1e6
        except (OSError, ValueError, IndexError, subprocess.SubprocessError) as problem:
            print(f"peers.py: no clock: {problem}", file=sys.stderr)
    with open(path, "w") as out:
        for name, value in found.items():
            out.write(json.dumps({"ceiling": name, "rate": value, "by": torch.__version__}) + "\n")
    print(json.dumps(found), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", choices=["small", "quick", "full"], default="quick")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--lines", help="file to which JSON lines are added")
    parser.add_argument("--ceilings", help="file of the GPU's ceilings; nothing else is done")
    parser.add_argument("--flash", action="store_true", help="flash-sinkhorn alone, and not PyTorch")
    parser.add_argument("--budget", type=float, default=200, help="seconds after which no peer is started")
    args = parser.parse_args()
    if args.scale == "small":
        args.device = "cpu"
    bench = Bench(args)
    if args.ceilings:
        return ceilings(bench, args.ceilings)
    if args.flash:
        # It tries some forty kernels for each size, which takes a minute: the most wanted first.
        runs = [(33, 5, 3, "flash-sinkhorn")] if bench.small else [
            (4096, 128, ITERS, "flash-sinkhorn"), (4096, 128, ITERS, "flash-sinkhorn TF32"),
            (16384, 128, ITERS, "flash-sinkhorn"), (1024, 128, ITERS, "flash-sinkhorn"),
        ][:2 if args.scale == "quick" else 4]
        for run in runs:
            sinkhorn(bench, *run)
        return
    torch_peers(bench)


def torch_peers(bench):
    """Everything in PyTorch; what is most asked for first, the rest as time allows."""
    if bench.small:
        transport, contrast, batch, side = (33, 5, 3), (34, 5), (18, 12), 40
    else:
        transport, contrast, batch, side = (4096, 128, ITERS), (8192, 128), (2048, 2048), 8192
    sinkhorn(bench, *transport, "torch")
    losses(bench, "nt_xent", nt_xent, *contrast)
    losses(bench, "vicreg", vicreg, *batch)
    losses(bench, "barlow_twins", barlow_twins, *batch)
    if not bench.small:
        sinkhorn(bench, 1024, 128, ITERS, "torch")
        losses(bench, "nt_xent", nt_xent, 1024, 128)
    log_sum_exps(bench, side)
    products(bench, side // 2)
    target = bench.tensor(normal(3_000_017, batch[0] * batch[1]).reshape(batch))
    losses(bench, "byol", byol_against(target), *batch)
    if bench.args.scale == "full":
        losses(bench, "nt_xent", nt_xent, 4096, 128)
        sinkhorn(bench, 16384, 128, ITERS, "torch")


if __name__ == "__main__":
    main()
