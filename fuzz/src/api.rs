//! Every public function with sizes, lengths and contents that need not fit together:
//! nothing panics, and what comes with an `Ok` is finite.
//!
//! Outputs and workspaces start as NaN, so that what was not written shows.

mod batch;
mod differentiation;
mod many;
mod owned;
mod plan;
mod slices;
mod transport;

use arbitrary::Arbitrary;

use crate::number::{Number, Scalar, fill};

/// A call.
#[derive(Arbitrary, Debug)]
pub struct Input {
    double: bool,
    function: u8,
    sizes: [Size; 3],
    /// How far the lengths of the slices are from the right ones, in turn.
    lengths: [Length; 8],
    options: [Number; 6],
    flags: [bool; 2],
    numbers: Vec<Number>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Size {
    Small(u8),
    /// Beyond a panel or a block.
    Medium(u8),
    Any(usize),
}

impl Size {
    fn value(self) -> usize {
        match self {
            Self::Small(value) => usize::from(value % 10),
            Self::Medium(value) => usize::from(value % 80),
            Self::Any(value) => value,
        }
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Length {
    Right,
    RightToo,
    OneLess,
    OneMore,
    Empty,
    Any(u8),
}

impl Length {
    /// At most some thousand elements: a longer slice will be refused as well.
    fn value(self, right: usize) -> usize {
        let right = right.min(40_000);
        match self {
            Self::Right | Self::RightToo => right,
            Self::OneLess => right.saturating_sub(1),
            Self::OneMore => right + 1,
            Self::Empty => 0,
            Self::Any(value) => usize::from(value),
        }
    }
}

/// Hands out the arguments of a call.
struct Arguments<'i> {
    input: &'i Input,
    slices: usize,
}

impl Arguments<'_> {
    fn size(&self, k: usize) -> usize {
        self.input.sizes[k].value()
    }

    fn option<T: Scalar>(&self, k: usize) -> T {
        self.input.options[k].of()
    }

    fn flag(&self, k: usize) -> bool {
        self.input.flags[k]
    }

    fn len(&mut self, right: usize) -> usize {
        let length = self.input.lengths.get(self.slices).copied();
        self.slices += 1;
        length.unwrap_or(Length::Right).value(right)
    }

    /// An input that ought to have so many elements.
    fn slice<T: Scalar>(&mut self, right: usize) -> Vec<T> {
        let len = self.len(right);
        fill(&self.input.numbers, self.slices.wrapping_mul(5), len)
    }

    /// An output or a workspace.
    fn room<T: Scalar>(&mut self, right: usize) -> Vec<T> {
        vec![T::nan(); self.len(right)]
    }
}

/// See the module.
pub fn check(input: &Input) {
    if input.double {
        check_in::<f64>(input)
    } else {
        check_in::<f32>(input)
    }
}

fn check_in<T: Scalar>(input: &Input) {
    let arguments = Arguments { input, slices: 0 };
    let function = usize::from(input.function);
    let all: [&[fn(Arguments<'_>)]; 7] = [
        &batch::functions::<T>(),
        &slices::functions::<T>(),
        &transport::functions::<T>(),
        &plan::functions::<T>(),
        &differentiation::functions::<T>(),
        &many::functions::<T>(),
        &owned::functions::<T>(),
    ];
    let all = all.concat();
    all[function % all.len()](arguments);
}
