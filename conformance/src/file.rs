//! The format: `{"problems": [{"kind": …, "id": …, …}, …]}`.
//!
//! Sizes n, m, d; points x, y and rows z are row-major lists; `C` an explicit matrix
//! with `null` for a forbidden pair. JSON has no infinities: they are the strings
//! `"inf"`, `"-inf"`, `"nan"`. A field that a kind does not use is absent; `null` weights
//! are uniform ones. Fields not named here are ignored.

use crate::Error;
use kernels_core::Real;
use serde::{Deserialize, Deserializer, de};
use std::path::Path;

/// A number that may be infinite or NaN.
#[derive(Clone, Copy, Debug)]
pub struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Option::<serde_json::Value>::deserialize(from)?;
        let number = match &value {
            // Infinite: a forbidden pair, or the potential of an atom without partner.
            None | Some(serde_json::Value::Null) => Some(f64::INFINITY),
            Some(serde_json::Value::String(name)) => match name.as_str() {
                "inf" => Some(f64::INFINITY),
                "-inf" => Some(f64::NEG_INFINITY),
                "nan" => Some(f64::NAN),
                _ => None,
            },
            Some(other) => other.as_f64(),
        };
        number.map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "expected a number, null, inf, -inf or nan, got {value:?}"
            ))
        })
    }
}

/// One problem with its reference answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
#[allow(missing_docs)] // The names are the format's.
pub struct Problem {
    pub kind: String,
    pub tag: String,
    pub id: i64,
    pub n: usize,
    pub m: usize,
    pub d: usize,
    pub eps: f64,
    pub rho: Option<f64>,
    pub x: Option<Vec<f64>>,
    pub y: Option<Vec<f64>>,
    #[serde(rename = "C")]
    pub cost: Option<Vec<Number>>,
    pub a: Option<Vec<f64>>,
    pub b: Option<Vec<f64>>,
    pub value: Option<Number>,
    pub transport: Option<f64>,
    pub mass: Option<f64>,
    pub ot_ab: Option<f64>,
    pub ot_aa: Option<f64>,
    pub ot_bb: Option<f64>,
    pub f: Option<Vec<Number>>,
    pub g: Option<Vec<Number>>,
    pub plan: Option<Vec<f64>>,
    pub grad_x: Option<Vec<f64>>,
    pub n2: usize,
    pub tau: f64,
    pub z: Option<Vec<f64>>,
    pub grad_z: Option<Vec<f64>>,
    pub loss_rows: Option<Vec<f64>>,
    pub v: Option<Vec<Number>>,
    pub m1: f64,
    pub s1: f64,
    pub m2: f64,
    pub s2: f64,
    pub grid: Option<Vec<f64>>,
}

impl Problem {
    /// `kind id (tag)`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {} ({})", self.kind, self.id, self.tag)
    }

    /// The reference value.
    pub(crate) fn value(&self) -> Result<f64, Error> {
        self.value
            .map(|value| value.0)
            .ok_or(Error::Missing("value"))
    }
}

/// A list that must be there, with as many elements as the sizes ask for.
pub(crate) fn list<'p, V>(
    field: &'static str,
    values: &'p Option<Vec<V>>,
    len: usize,
) -> Result<&'p [V], Error> {
    let values = values.as_deref().ok_or(Error::Missing(field))?;
    if values.len() == len {
        Ok(values)
    } else {
        Err(Error::Length(field, len, values.len()))
    }
}

/// A list that may be absent.
pub(crate) fn optional<'p, V>(
    field: &'static str,
    values: &'p Option<Vec<V>>,
    len: usize,
) -> Result<Option<&'p [V]>, Error> {
    match values {
        None => Ok(None),
        Some(_) => list(field, values, len).map(Some),
    }
}

/// To the scalar of the kernel. The inputs are representable in `f32`, so both scalars
/// see the same problem.
pub(crate) fn inputs<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| T::of(value)).collect()
}

pub(crate) fn wide<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().map(|value| value.wide()).collect()
}

pub(crate) fn plain(values: &[Number]) -> Vec<f64> {
    values.iter().map(|value| value.0).collect()
}

/// Reads a file of problems.
///
/// # Errors
/// A file that cannot be read or is not of the format.
pub fn read(path: &Path) -> Result<Vec<Problem>, Error> {
    #[derive(Deserialize)]
    struct File {
        problems: Vec<Problem>,
    }
    let text = std::fs::read_to_string(path).map_err(|error| Error::Read(path.into(), error))?;
    let file: File =
        serde_json::from_str(&text).map_err(|error| Error::Format(path.into(), error))?;
    Ok(file.problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_numbers_are_strings_or_null() {
        let text = r#"[1.5, null, "inf", "-inf", "nan", -2]"#;
        let numbers: Vec<Number> = serde_json::from_str(text).expect("all are numbers");
        let got = plain(&numbers);
        assert_eq!(
            got[..4],
            [1.5, f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY]
        );
        assert!(got[4].is_nan() && got[5] == -2.0);
        assert!(serde_json::from_str::<Number>(r#""one""#).is_err());
    }

    #[test]
    fn lists_are_as_long_as_the_sizes_ask() {
        let values = Some(vec![1.0, 2.0]);
        assert!(list("x", &values, 2).is_ok() && optional::<f64>("x", &None, 2).is_ok());
        assert!(matches!(
            list("x", &values, 3),
            Err(Error::Length("x", 3, 2))
        ));
        assert!(matches!(
            list::<f64>("x", &None, 3),
            Err(Error::Missing("x"))
        ));
    }
}
