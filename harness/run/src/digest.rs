//! SHA-256, as it is written into files and results.

use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal, of named sections. Names and lengths are digested too:
/// a byte that moves from one section to the next, or a section that changes its
/// name or place, gives another digest.
pub fn of_sections<'a>(sections: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in sections {
        for part in [name.as_bytes(), bytes] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hex(&hash.finalize())
}

/// SHA-256, in hexadecimal, of the parts one after the other, as if they were one.
pub(super) fn of_parts(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answer() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_parts(&[b"abc"]), abc);
        assert_eq!(of_parts(&[b"a", b"", b"bc"]), abc);
    }

    #[test]
    fn names_lengths_and_order_count() {
        let all: [&[(&str, &[u8])]; 8] = [
            &[],
            &[("", b"")],
            &[("a", b"bc")],
            &[("ab", b"c")],
            &[("a", b"b"), ("c", b"")],
            &[("a", b"b"), ("", b"c")],
            &[("x", b"1"), ("y", b"2")],
            &[("y", b"2"), ("x", b"1")],
        ];
        let digests: Vec<String> = all
            .iter()
            .map(|sections| of_sections(sections.iter().copied()))
            .collect();
        for (i, a) in digests.iter().enumerate() {
            assert_eq!(a.len(), 64);
            for b in &digests[..i] {
                assert_ne!(a, b, "sections {i}");
            }
        }
    }
}
