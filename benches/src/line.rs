//! The one JSON line that a program prints: fields that all have, and its own.

use serde_json::{Value, json};

use crate::command::{Args, Dtype};
use crate::measure::peak_rss_mb;

/// What a program ends with.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Reads the command line and runs the program for the scalar that was asked for.
///
/// # Errors
/// When the threads cannot be started, and the program's own.
pub fn run(single: fn(&Args) -> Outcome, double: fn(&Args) -> Outcome) -> Outcome {
    let args = Args::read()?;
    match args.dtype {
        Dtype::F32 => single(&args),
        Dtype::F64 => double(&args),
    }
}

/// The fields that all programs print.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    peer: &'static str,
    args: &'a Args,
    seconds: (f64, f64),
    base_rss_mb: u64,
    peak_rss_mb: u64,
}

impl<'a> Line<'a> {
    /// `seconds` are the median and the least, `base_rss_mb` is the memory that was in
    /// use before the buffers of the kernel; the peak is read now.
    #[must_use]
    pub fn new(peer: &'static str, args: &'a Args, base_rss_mb: u64, seconds: (f64, f64)) -> Self {
        Self {
            peer,
            args,
            seconds,
            base_rss_mb,
            peak_rss_mb: peak_rss_mb(),
        }
    }

    /// The line, with the fields of the object `own`.
    #[must_use]
    pub fn with(&self, own: &Value) -> Value {
        let mut line = json!({
            "peer": self.peer,
            "n": self.args.n,
            "d": self.args.d,
            "dtype": self.args.dtype.name(),
            "threads": self.args.threads,
            "sec": self.seconds.0,
            "best": self.seconds.1,
            "peak_rss_mb": self.peak_rss_mb,
            "base_rss_mb": self.base_rss_mb,
        });
        if let (Some(line), Some(own)) = (line.as_object_mut(), own.as_object()) {
            let own = own
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()));
            line.extend(own);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn a_line_has_the_common_fields_and_its_own() {
        let args = Args::parse_from(["program", "--n", "7", "--dtype", "f64"]);
        let line = Line::new("sinsim", &args, 1, (0.5, 0.25)).with(&json!({ "value": 2.0 }));
        for (field, expected) in [
            ("peer", json!("sinsim")),
            ("n", json!(7)),
            ("dtype", json!("f64")),
            ("sec", json!(0.5)),
            ("best", json!(0.25)),
            ("value", json!(2.0)),
        ] {
            assert_eq!(line.get(field), Some(&expected), "{field}");
        }
    }
}
