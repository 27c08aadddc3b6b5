# Recipes for people. CI runs .ci/run; what is slow is here and not there.

# What there is
default:
    @just --list

# The README's first command: train on the built-in images
train *args:
    cargo run --release -p harness -- train {{args}}

# The README's second command: every test
test:
    cargo test --workspace

# The gate, as CI runs it
ci:
    .ci/run

# Formatting and lints, as CI has them
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --features benches/train-step -- -D warnings

# Fuzz for some seconds: sinkhorn, nt_xent, log_sum_exp or api (needs cargo-fuzz, nightly Rust)
fuzz target="sinkhorn" seconds="60":
    cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}}

# The inputs that fuzzing found, on stable Rust
fuzz-replay:
    cargo test --manifest-path fuzz/Cargo.toml --no-default-features --locked

# The CUDA host code without a GPU: lints and tests, or a command on the stub driver
cuda-stub *command:
    scripts/cuda-stub {{command}}

# Pack what is to be run on a machine with a GPU (then: DIR/run OUT there)
gpu-check *dir:
    scripts/gpu-check prepare {{dir}}

# The same at small sizes on the emulated grid (PYTHON=a Python with torch, for the peers)
gpu-check-dry:
    scripts/gpu-check dry-run

# Lines of kernels-core that its tests run (needs cargo-llvm-cov)
coverage:
    cargo llvm-cov -p kernels-core --features std --summary-only

# Does a test fail if a line of a kernel is wrong? (needs cargo-mutants; hours: give a shard)
mutants *args="--shard 1/20":
    cargo mutants -p kernels-core --features std --timeout 120 {{args}} -- --test losses --test properties --test accuracy --test regressions

# The same for all mutants, or those of some files, in one build (needs cargo-mutants, `pip install tree-sitter tree-sitter-rust`)
mutants-of *files:
    scripts/mutants {{files}}

# Kernel benchmarks
bench:
    cargo bench -p benches

# The kernels against problems with 60-digit answers
conformance file="../shared/vectors/vectors.json":
    cargo run --release -p benches --bin conformance -- {{file}}

# The GPU kernels: from Rust to PTX, and what ptxas says of them
ptx:
    scripts/ptx build

# The kernels on a microcontroller: size, and a run in QEMU
bare-metal:
    scripts/bare-metal

# exp and ln of the vector path on every f32 (some minutes)
elementary:
    SINSIM_STRIDE=1 cargo test --release -p kernels-core --features std --test elementary -- --nocapture

# Sinkhorn and NT-Xent beside Python's libraries (needs `pip install torch pot geomloss`)
compare-peers *args:
    scripts/compare-peers {{args}}

# What this machine allows a Sinkhorn call: exponentials, memory, a matrix product
floor *args:
    cargo run --release -p benches --bin floor -- {{args}}

# Views per second (compiles the harness)
bench-views:
    cargo bench -p benches --bench views

# A training step beside PyTorch's, in one run (needs `pip install torch`)
compare-step:
    scripts/compare-step

# One training step of each method against PyTorch's autograd (needs `pip install torch safetensors`)
agreement:
    scripts/agreement

# Exported encoders in PyTorch and ONNX Runtime (needs `pip install torch torchvision onnx onnxruntime`)
check-export data="../shared/data":
    scripts/check-export {{data}}

# What a browser shows of a report (needs Chromium)
report-picture report="docs/results/small/report.html" out="report.png":
    scripts/report-picture {{report}} {{out}}

# The recorded training runs of docs/results/training.md (about forty minutes on 2 cores)
record data="../shared/data":
    scripts/record-training {{data}}

# Licences and advisories (needs cargo-deny)
deny:
    cargo deny check
