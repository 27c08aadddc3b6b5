//! All kernels, by the names of their entry points.

use crate::barlow_twins::{
    ColumnSigmas, GradientMeans, GradientTotals, NormalizeBackward, NormalizeColumns,
};
use crate::byol::Byol;
use crate::column_statistics::{ColumnMeans, ColumnSquares, ColumnSums};
use crate::cost::{CostMatrix, ReciprocalNorms, ThroughDirections};
use crate::fill::{AddScaled, Fill};
use crate::kernel::kernels;
use crate::log_sum_exp::{LogSumExpOfColumns, LogSumExpOfParts, LogSumExpOfRows};
use crate::matrix_product::{MatrixProduct, OfColumns, OfRows, Plain};
use crate::nt_xent::{
    NtXentBackward, NtXentLoss, NtXentPulls, NtXentRows, NtXentSums, NtXentUnits,
};
use crate::sinkhorn::columns::{SinkhornColumns, SinkhornZeroColumns};
use crate::sinkhorn::conclude::{SinkhornConclude, SinkhornGap, SinkhornWeightGradient};
use crate::sinkhorn::plan::{SinkhornPlan, SinkhornPull, SinkhornTransportCost};
use crate::sinkhorn::points::{
    SinkhornCentre, SinkhornHeights, SinkhornPlace, SinkhornPointColumns, SinkhornPointCosts,
    SinkhornPointGradient, SinkhornPointPull, SinkhornPointRows, SinkhornPointSums, SinkhornRadius,
};
use crate::sinkhorn::rows::{SinkhornRows1024, SinkhornRows4096};
use crate::sinkhorn::rows_wide::SinkhornRowsWide;
use crate::sinkhorn::scan::{SinkhornRescale, SinkhornScan, SinkhornScanned};
use crate::sinkhorn::symmetric::SinkhornAverage;
use crate::sinkhorn::weights::SinkhornWeights;
use crate::totals::{SquaresOfProduct, Totals};
use crate::vicreg::{VicRegColumns, VicRegPull};

kernels! {
    fill: Fill,
    add_scaled: AddScaled,
    log_sum_exp_of_rows: LogSumExpOfRows,
    log_sum_exp_of_columns: LogSumExpOfColumns,
    log_sum_exp_of_parts: LogSumExpOfParts,
    reciprocal_norms: ReciprocalNorms,
    through_directions: ThroughDirections,
    cost_matrix: CostMatrix,
    sinkhorn_weights: SinkhornWeights,
    sinkhorn_scan: SinkhornScan,
    sinkhorn_scanned: SinkhornScanned,
    sinkhorn_rescale: SinkhornRescale,
    sinkhorn_rows1024: SinkhornRows1024,
    sinkhorn_rows4096: SinkhornRows4096,
    sinkhorn_rows_wide: SinkhornRowsWide,
    sinkhorn_columns: SinkhornColumns,
    sinkhorn_zero_columns: SinkhornZeroColumns,
    sinkhorn_average: SinkhornAverage,
    sinkhorn_conclude: SinkhornConclude,
    sinkhorn_gap: SinkhornGap,
    sinkhorn_weight_gradient: SinkhornWeightGradient,
    sinkhorn_plan: SinkhornPlan,
    sinkhorn_transport_cost: SinkhornTransportCost,
    sinkhorn_pull: SinkhornPull,
    sinkhorn_centre: SinkhornCentre,
    sinkhorn_place: SinkhornPlace,
    sinkhorn_radius: SinkhornRadius,
    sinkhorn_heights: SinkhornHeights,
    sinkhorn_point_sums: SinkhornPointSums,
    sinkhorn_point_rows: SinkhornPointRows,
    sinkhorn_point_columns: SinkhornPointColumns,
    sinkhorn_point_pulls: SinkhornPointPull,
    sinkhorn_point_gradient: SinkhornPointGradient,
    sinkhorn_point_costs: SinkhornPointCosts,
    nt_xent_units: NtXentUnits,
    nt_xent_sums: NtXentSums,
    nt_xent_rows: NtXentRows,
    nt_xent_pulls_64: NtXentPulls<4>,
    nt_xent_pulls_128: NtXentPulls<8>,
    nt_xent_backward: NtXentBackward,
    nt_xent_loss: NtXentLoss,
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
