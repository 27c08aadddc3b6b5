//! All kernels, by the names of their entry points.

use crate::kernel::kernels;
use crate::log_sum_exp::{LogSumExpOfColumns, LogSumExpOfParts, LogSumExpOfRows};
use crate::nt_xent::{
    NtXentBackward, NtXentLoss, NtXentPulls, NtXentRows, NtXentSums, NtXentUnits,
};

kernels! {
    log_sum_exp_of_rows: LogSumExpOfRows,
    log_sum_exp_of_columns: LogSumExpOfColumns,
    log_sum_exp_of_parts: LogSumExpOfParts,
    nt_xent_units: NtXentUnits,
    nt_xent_sums: NtXentSums,
    nt_xent_rows: NtXentRows,
    nt_xent_pulls_64: NtXentPulls<4>,
    nt_xent_pulls_128: NtXentPulls<8>,
    nt_xent_backward: NtXentBackward,
    nt_xent_loss: NtXentLoss,
}
