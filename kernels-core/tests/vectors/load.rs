//! Reading `../shared/vectors/vectors.json`.

use kernels_core::Real;
use serde::Deserialize;
use std::path::Path;

/// One problem with its reference answers; what a kind does not use is absent.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Vector {
    pub(crate) kind: String,
    pub(crate) tag: String,
    pub(crate) id: usize,
    #[serde(default)]
    pub(crate) n: usize,
    #[serde(default)]
    pub(crate) m: usize,
    #[serde(default)]
    pub(crate) d: usize,
    #[serde(default)]
    pub(crate) eps: f64,
    pub(crate) x: Option<Vec<f64>>,
    pub(crate) y: Option<Vec<f64>>,
    /// `null` entries are forbidden pairs.
    #[serde(rename = "C")]
    pub(crate) cost: Option<Vec<Option<f64>>>,
    pub(crate) a: Option<Vec<f64>>,
    pub(crate) b: Option<Vec<f64>>,
    /// A number, or the name of a special value.
    pub(crate) value: serde_json::Value,
    pub(crate) transport: Option<f64>,
    pub(crate) f: Option<Vec<f64>>,
    pub(crate) g: Option<Vec<f64>>,
    pub(crate) plan: Option<Vec<f64>>,
    pub(crate) grad_x: Option<Vec<f64>>,
    #[serde(default)]
    pub(crate) n2: usize,
    #[serde(default)]
    pub(crate) tau: f64,
    pub(crate) z: Option<Vec<f64>>,
    pub(crate) grad_z: Option<Vec<f64>>,
    pub(crate) v: Option<Vec<serde_json::Value>>,
    #[serde(default)]
    pub(crate) m1: f64,
    #[serde(default)]
    pub(crate) s1: f64,
    #[serde(default)]
    pub(crate) m2: f64,
    #[serde(default)]
    pub(crate) s2: f64,
    pub(crate) grid: Option<Vec<f64>>,
}

impl Vector {
    pub(crate) fn name(&self) -> String {
        format!("{} {} ({})", self.kind, self.id, self.tag)
    }

    pub(crate) fn value(&self) -> f64 {
        number(&self.value)
    }
}

/// JSON has no infinities: they are strings there.
pub(crate) fn number(value: &serde_json::Value) -> f64 {
    match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some("nan") => f64::NAN,
        _ => value.as_f64().expect("a number or inf, -inf, nan"),
    }
}

/// An input of a problem. All of them are representable in f32, so going through f32
/// restores the bits that the JSON parser, which may be off by one ulp of f64, lost.
pub(crate) fn input<T: Real>(value: f64) -> T {
    T::of(f64::from(value as f32))
}

pub(crate) fn inputs<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| input(value)).collect()
}

/// All problems, or `None` with a word on stderr where the shared folder is missing.
pub(crate) fn load(what: &str) -> Option<Vec<Vector>> {
    #[derive(Deserialize)]
    struct File {
        problems: Vec<Vector>,
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/vectors.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("no {}: skipped {what}", path.display());
        return None;
    };
    let file: File = serde_json::from_str(&text).expect("vectors.json is well-formed");
    Some(file.problems)
}
