//! All kernels, by the names of their entry points.

use crate::barlow_twins::{
    ColumnSigmas, GradientMeans, GradientTotals, NormalizeBackward, NormalizeColumns,
};
use crate::byol::Byol;
use crate::columns::{ColumnMeans, ColumnSquares, ColumnSums};
use crate::kernel::kernels;
use crate::log_sum_exp::{LogSumExpOfColumns, LogSumExpOfParts, LogSumExpOfRows};
use crate::matrix_product::{MatrixProduct, OfColumns, OfRows, Plain};
use crate::totals::{SquaresOfProduct, Totals};
use crate::vicreg::{VicRegColumns, VicRegPull};

kernels! {
    log_sum_exp_of_rows: LogSumExpOfRows,
    log_sum_exp_of_columns: LogSumExpOfColumns,
    log_sum_exp_of_parts: LogSumExpOfParts,
    totals: Totals,
    squares_of_product: SquaresOfProduct,
    matrix_product: MatrixProduct<Plain>,
    matrix_product_of_columns: MatrixProduct<OfColumns>,
    matrix_product_of_rows: MatrixProduct<OfRows>,
    column_sums: ColumnSums,
    column_means: ColumnMeans,
    column_squares: ColumnSquares,
    byol: Byol,
    vic_reg_columns: VicRegColumns,
    vic_reg_pull: VicRegPull,
    column_sigmas: ColumnSigmas,
    normalize_columns: NormalizeColumns,
    gradient_means: GradientMeans,
    gradient_totals: GradientTotals,
    normalize_backward: NormalizeBackward,
}
