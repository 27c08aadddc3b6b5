//! All kernels, by the names of their entry points.

use crate::kernel::kernels;
use crate::log_sum_exp::{LogSumExpOfColumns, LogSumExpOfParts, LogSumExpOfRows};

kernels! {
    log_sum_exp_of_rows: LogSumExpOfRows,
    log_sum_exp_of_columns: LogSumExpOfColumns,
    log_sum_exp_of_parts: LogSumExpOfParts,
}
