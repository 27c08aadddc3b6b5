//! Each kernel's time beside the least that its bytes and operations take on this GPU.
//!
//! Ceilings: bytes a second of a large copy by this program (read and written ones both
//! count); what others measured on the same GPU (`--ceilings`), if anything: f32 and TF32
//! matrix products of a vendor's library, and exponentials by the number of units and the
//! clock. Without those, tensor cores are held against this program's own matrix product,
//! which says nothing of that product itself.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use kernels_cuda::{Buffer, Cuda, device::copy};
use serde_json::{Value, json};

use crate::Answer;
use crate::parity::append;
use crate::profile::{Profiler, Seen};
use crate::scale::Scale;
use crate::work::Work;
use crate::workload::Spec;

/// Units of work a second.
#[derive(Clone, Copy, Debug)]
struct Ceilings {
    bytes: f64,
    fma: f64,
    tensor: f64,
    exponentials: f64,
}

impl Ceilings {
    /// Seconds at least, and what they are for.
    fn least(&self, work: &Work) -> (f64, &'static str) {
        let terms = [
            (work.bytes / self.bytes, "memory"),
            (work.fma / self.fma, "f32"),
            (work.tensor / self.tensor, "tensor"),
            (work.exponentials / self.exponentials, "exp"),
        ];
        let larger = |a: (f64, &'static str), b: (f64, &'static str)| if b.0 > a.0 { b } else { a };
        terms.into_iter().fold((0.0, ""), larger)
    }
}

/// Prints the table.
pub fn run(
    device: &Cuda,
    scale: Scale,
    ceilings: Option<&Path>,
    lines: Option<&Path>,
) -> Answer<()> {
    let mut file = append(lines)?;
    let ceilings = measure(device, scale, ceilings)?;
    let shown = |rate: f64, unit: &str| {
        if rate.is_finite() {
            format!("{rate:.3e} {unit}")
        } else {
            "not measured".into()
        }
    };
    println!("ceilings of {}:", device.info());
    println!("  memory       {}", shown(ceilings.bytes, "bytes/s"));
    println!("  f32          {}", shown(ceilings.fma, "multiply-adds/s"));
    println!(
        "  tensor TF32  {}",
        shown(ceilings.tensor, "multiply-adds/s")
    );
    println!("  exponentials {}", shown(ceilings.exponentials, "/s"));
    // Some hundred microseconds of one block, longer than the host needs for a launch.
    let busy = if scale == Scale::Small { 64 } else { 4096 };
    for spec in scale.workloads() {
        // A profiled call is many times slower than a call.
        let profiler = Profiler::new(device, busy)?;
        let mut call = match spec.prepare(&profiler) {
            Ok(call) => call,
            Err(error) => {
                println!("\n{}: {error}", spec.fields());
                continue;
            }
        };
        call(false)?;
        profiler.take();
        call(false)?;
        let seen = profiler.take();
        table(&spec, &seen, &ceilings, &mut |line| {
            if let Some(file) = &mut file {
                writeln!(file, "{line}")?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn table(
    spec: &Spec,
    seen: &BTreeMap<&'static str, Seen>,
    ceilings: &Ceilings,
    write: &mut dyn FnMut(&Value) -> Answer<()>,
) -> Answer<()> {
    println!("\n{} {}", spec.peer(), spec.fields());
    println!(
        "  kernel                     launches  total us  median us   least us  bound   times least"
    );
    let mut rows: Vec<_> = seen.iter().collect();
    let total = |seen: &Seen| {
        seen.launches
            .iter()
            .map(|(ms, _)| f64::from(*ms))
            .sum::<f64>()
    };
    rows.sort_by(|a, b| total(b.1).total_cmp(&total(a.1)));
    let (mut all, mut least_of_all) = (0.0, 0.0);
    for (name, seen) in rows {
        let mut times: Vec<f64> = seen
            .launches
            .iter()
            .map(|(ms, _)| f64::from(*ms) * 1e3)
            .collect();
        times.sort_by(f64::total_cmp);
        let (sum, median) = (times.iter().sum::<f64>(), times[times.len() / 2]);
        let known: Option<Vec<Work>> = seen.launches.iter().map(|(_, work)| *work).collect();
        let floors = known.map(|known| {
            known
                .iter()
                .map(|work| ceilings.least(work))
                .collect::<Vec<_>>()
        });
        let least = floors
            .as_ref()
            .map(|f| f.iter().map(|(seconds, _)| seconds * 1e6).sum::<f64>());
        let bound = floors
            .as_ref()
            .and_then(|f| f.last())
            .map_or("", |(_, bound)| bound);
        all += sum;
        least_of_all += least.unwrap_or(0.0);
        let count = times.len();
        match least {
            Some(least) => println!(
                "  {name:26} {count:8} {sum:9.1} {median:10.2} {:10.2}  {bound:6} {:8.2}",
                least / count as f64,
                sum / least
            ),
            None => println!("  {name:26} {count:8} {sum:9.1} {median:10.2}          -"),
        }
        write(&json!({
            "roofline": name,
            "problem": spec.fields(),
            "launches": count,
            "microseconds": sum,
            "median": median,
            "least": least,
            "bound": bound,
        }))?;
    }
    let ratio = all / least_of_all;
    println!(
        "  all kernels                         {all:9.1}            {least_of_all:10.2} in all {ratio:8.2}"
    );
    write(&json!({
        "roofline": "all kernels",
        "problem": spec.fields(),
        "microseconds": all,
        "least": least_of_all,
    }))
}

fn measure(device: &Cuda, scale: Scale, others: Option<&Path>) -> Answer<Ceilings> {
    // Far larger than any second cache.
    let words = if scale == Scale::Small {
        1 << 12
    } else {
        1 << 28
    };
    let from = Buffer::of(device, &vec![1.0_f32; words])?;
    let to = Buffer::<_, f32>::new(device, words)?;
    let bytes = 8.0 * words as f64 / best(device, || Ok(copy(device, from.array(), to.array())?))?;
    drop((from, to));
    let side = if scale == Scale::Small { 40 } else { 4096 };
    let mut product = Spec::MatrixProduct { side }.prepare(device)?;
    let seconds = best(device, || product(false).map(|_| ()))?;
    let tensor = 3.0 * (side as f64).powi(3) / seconds;
    let own = Ceilings {
        bytes,
        tensor,
        fma: f64::INFINITY,
        exponentials: f64::INFINITY,
    };
    println!("own copy {bytes:.3e} bytes/s, own matrix product {tensor:.3e} TF32 multiply-adds/s");
    let Some(path) = others.filter(|path| path.exists()) else {
        return Ok(own);
    };
    let text = std::fs::read_to_string(path)?;
    let lines: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let rate = |name: &str| {
        let found = lines.iter().find(|line| line["ceiling"] == name);
        found
            .and_then(|line| line["rate"].as_f64())
            .filter(|rate| *rate > 0.0)
    };
    Ok(Ceilings {
        // Whoever copies faster shows what is possible.
        bytes: rate("bytes").map_or(bytes, |rate| rate.max(bytes)),
        tensor: rate("tensor").map_or(tensor, |rate| rate.max(tensor)),
        fma: rate("fma").unwrap_or(f64::INFINITY),
        exponentials: rate("exponentials").unwrap_or(f64::INFINITY),
    })
}

/// Seconds of the fastest of some runs.
fn best(device: &Cuda, mut run: impl FnMut() -> Answer<()>) -> Answer<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..10 {
        let (result, milliseconds) = device.timed(&mut run)?;
        result?;
        least = least.min(f64::from(milliseconds) / 1e3);
    }
    Ok(least)
}
