//! Medians by the device's events, as JSON lines, with the value's f64 reference.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use benches::measure::{judge, peak_rss_mb};
use benches::problem::{clouds, rounded};
use kernels_cuda::Cuda;
use serde_json::{Value, json};

use crate::Answer;
use crate::parity::append;
use crate::scale::Scale;
use crate::workload::{EPSILON, Output, Spec};

/// Runs that are not counted: kernels are loaded, clocks go up.
const WARM: usize = 3;
/// No problem is repeated for longer.
const LONGEST_SECONDS: f64 = 8.0;

/// Times everything; what fails is told and left out.
pub fn run(device: &Cuda, scale: Scale, lines: Option<&Path>) -> Answer<()> {
    let mut file = append(lines)?;
    let mut failed = 0;
    for spec in scale.workloads() {
        let written = match time(device, scale, &spec) {
            Ok(written) => written,
            Err(error) => {
                failed += 1;
                vec![line(
                    &spec,
                    spec.peer(),
                    &json!({ "problem_found": error.to_string() }),
                )]
            }
        };
        for line in written {
            println!("{line}");
            if let Some(file) = &mut file {
                writeln!(file, "{line}")?;
            }
        }
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} problems were not timed").into())
    }
}

/// Calls everything once; of transport's iterations, which are alike, two.
pub fn once(device: &Cuda, scale: Scale) -> Answer<()> {
    for mut spec in scale.workloads() {
        if let Spec::Sinkhorn { iterations, .. } = &mut spec {
            *iterations = 2;
        }
        let value = spec.prepare(device)?(false)?.value;
        println!("{} {value}", spec.name());
    }
    Ok(device.synchronize()?)
}

fn time(device: &Cuda, scale: Scale, spec: &Spec) -> Answer<Vec<Value>> {
    let mut call = spec.prepare(device)?;
    let last = call(true)?;
    for _ in 1..WARM {
        call(false)?;
    }
    let began = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < scale.repeats() {
        let (result, milliseconds) = device.timed(|| call(false))?;
        result?;
        seconds.push(f64::from(milliseconds) / 1e3);
        if began.elapsed().as_secs_f64() > LONGEST_SECONDS && seconds.len() >= 5 {
            break;
        }
    }
    seconds.sort_by(f64::total_cmp);
    let (value, marginal_error) = judged(spec, &last);
    let own = json!({
        "sec": seconds[seconds.len() / 2],
        "best": seconds[0],
        "worst": seconds[seconds.len() - 1],
        "runs": seconds.len(),
        "value": value,
        "marg_l1": marginal_error,
        "peak_rss_mb": peak_rss_mb(),
        "threads": 1,
        "device": device.info().name,
    });
    let mut lines = vec![line(spec, spec.peer(), &own)];
    // With the cost or without it, the answer is one.
    let known = match spec {
        Spec::Sinkhorn {
            points, streamed, ..
        } => !points || *streamed,
        _ => false,
    };
    if !known && let Some(value) = spec.reference()? {
        let own = json!({ "value": value, "dtype": "f64" });
        lines.push(line(spec, "f64 reference", &own));
    }
    Ok(lines)
}

/// Transport's dual value and marginal error in f64 of the f32 potentials, as the peers'
/// are; the value of everything else is the program's own.
fn judged(spec: &Spec, output: &Output) -> (f64, Option<f64>) {
    let (Spec::Sinkhorn { n, dim, .. }, Some((f, g))) = (*spec, &output.potentials) else {
        return (output.value, None);
    };
    let (x, y) = clouds(n, n, dim, 0);
    let wide = |x: &[f64]| -> Vec<f64> { rounded::<f32>(x).into_iter().map(f64::from).collect() };
    let (value, error) = judge(&wide(&x), &wide(&y), dim, f, g, EPSILON);
    (value, Some(error))
}

fn line(spec: &Spec, peer: &str, own: &Value) -> Value {
    let mut line = spec.fields();
    line["peer"] = json!(peer);
    if let (Some(line), Some(own)) = (line.as_object_mut(), own.as_object()) {
        line.extend(
            own.iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    line
}
