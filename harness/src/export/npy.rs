//! NumPy's array file, version 1.0 (NumPy enhancement proposal 1): a line of text about
//! the array, padded to a multiple of 64 bytes, then its numbers.
//!
//! The crates for it read what any Python program may have written, and bring a parser of
//! Python literals; to write one array takes this file.

/// A kind of number, with its name in the header.
pub trait Element: Copy {
    /// Byte order, kind and size.
    const DESCR: &'static str;
    /// Appends the number, least byte first.
    fn put(self, out: &mut Vec<u8>);
}

macro_rules! element {
    ($type:ty, $descr:literal) => {
        impl Element for $type {
            const DESCR: &'static str = $descr;
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    };
}
element!(f32, "<f4");
element!(i64, "<i8");
element!(u8, "|u1");

/// Where the numbers begin is a multiple of this.
const ALIGNMENT: usize = 64;
/// Magic string, version, and the length of the text.
const PREFIX: usize = 10;

/// The bytes of a file: row-major `values` of `shape`.
pub fn npy<T: Element>(shape: &[usize], values: &[T]) -> Vec<u8> {
    debug_assert_eq!(shape.iter().product::<usize>(), values.len());
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    // A tuple of one has a comma behind it.
    let comma = if shape.len() == 1 { "," } else { "" };
    let descr = T::DESCR;
    let mut text = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}",
        sizes.join(", ")
    );
    let end = (PREFIX + text.len() + 1).next_multiple_of(ALIGNMENT);
    while PREFIX + text.len() + 1 < end {
        text.push(' ');
    }
    text.push('\n');
    let mut out = Vec::with_capacity(end + size_of_val(values));
    out.extend_from_slice(b"\x93NUMPY\x01\x00");
    // A shape has few dimensions: the text is far shorter than 65,535 bytes.
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    for &value in values {
        value.put(&mut out);
    }
    out
}
