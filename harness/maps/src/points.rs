//! Points in many dimensions, checked once.

use nalgebra::DMatrix;

use super::MapError;

/// Sums of squares of smaller numbers stay far from the end of `f32`'s range.
const LIMIT: f32 = 1e15;

/// Points as rows of one matrix: finite numbers, at least one row and one column.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a> {
    values: &'a [f32],
    rows: usize,
    dim: usize,
}

impl<'a> Points<'a> {
    /// `values` is row-major, `rows × dim`.
    pub fn new(values: &'a [f32], rows: usize, dim: usize) -> Result<Self, MapError> {
        const OPERATION: &str = "reading points";
        if rows.checked_mul(dim) != Some(values.len()) || dim == 0 {
            return Err(MapError::Shape {
                operation: OPERATION,
                expected: format!("{rows} rows of {dim} numbers, at least one in each"),
                got: format!("{} numbers", values.len()),
            });
        }
        if rows == 0 {
            return Err(MapError::TooFew {
                operation: OPERATION,
                least: 1,
                rows,
            });
        }
        // NaN is not below anything.
        let bad = values
            .iter()
            .position(|value| value.is_nan() || value.abs() >= LIMIT);
        match bad {
            Some(i) => Err(MapError::Value {
                operation: OPERATION,
                row: i / dim,
                column: i % dim,
                value: values[i],
                limit: LIMIT,
            }),
            None => Ok(Self { values, rows, dim }),
        }
    }

    /// How many.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in each.
    pub fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn row(&self, i: usize) -> &'a [f32] {
        &self.values[i * self.dim..(i + 1) * self.dim]
    }

    /// A column for each point, with the mean point at the origin.
    pub(super) fn centred(&self) -> DMatrix<f64> {
        let values = self.values.iter().map(|&value| f64::from(value));
        let mut matrix = DMatrix::from_iterator(self.dim, self.rows, values);
        let mean = matrix.column_mean();
        for mut column in matrix.column_iter_mut() {
            column -= &mean;
        }
        matrix
    }
}
