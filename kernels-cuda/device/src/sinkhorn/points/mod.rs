//! The same iteration straight from two clouds of points: costs are computed when they are
//! needed, on the tensor core, and no n × m matrix exists.
//!
//! With `C_ij = κ ‖u_i − v_j‖² = κ ‖u_i‖² + κ ‖v_j‖² − 2κ u_i·v_j` a half step is
//!
//! `softmin_i = κ ‖u_i‖² − ε log Σ_j exp((h_j + 2κ u_i·v_j)/ε)`, `h_j = g_j + ε log b_j − κ ‖v_j‖²`:
//!
//! a log-sum-exp over products, [`crate::pairs`]. u and v are the points less a centre that
//! both clouds share, so that the squares are of the size of the clouds and not of their
//! distance from the origin (κ = 1), or the directions (κ = ½, the cosine cost). What
//! cancels is then at most `u R²`, R the radius of the clouds, which is the rounding of
//! the potentials too. There is no series around one here: for ε far above R² the
//! potentials are off by `u ε`.
//!
//! An iteration reads the points twice and takes two exponentials for each pair.
//!
//! | kernel | grid | what it does |
//! |---|---|---|
//! | [`SinkhornCentre`] | ⌈d/256⌉ | a point among the points |
//! | [`SinkhornPlace`] | ⌈n/8⌉ | u, and ‖u‖² |
//! | [`SinkhornRadius`] | 1 | the width of the costs; checks |
//! | [`SinkhornHeights`] | ⌈n/256⌉ | h |
//! | [`SinkhornPointSums`] | tiles of rows × splits | parts of the sums over the other side |
//! | [`SinkhornPointRows`] | ⌈n/256⌉ | next row potentials and the marginal error |
//! | [`SinkhornPointColumns`] | ⌈max(n, m)/256⌉ | next column potentials, and when to stop |
//! | [`SinkhornPointPull`] | (tiles × chunks) × splits | parts of `Σ_j P_ij v_j` and of `Σ_j P_ij` |
//! | [`SinkhornPointGradient`] | ⌈n d/256⌉ | the gradient from these |
//! | [`SinkhornPointCosts`] | tiles × splits | parts of `Σ_j P_ij C_ij` |

mod half_steps;
mod place;
mod pull;

pub use half_steps::{
    Finish, SinkhornHeights, SinkhornPointColumns, SinkhornPointRows, SinkhornPointSums,
};
pub use place::{SinkhornCentre, SinkhornPlace, SinkhornRadius};
pub use pull::{
    Heights, PlanOfPoints, SinkhornPointCosts, SinkhornPointGradient, SinkhornPointPull,
};
