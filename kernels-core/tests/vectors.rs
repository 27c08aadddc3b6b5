//! The kernels against reference problems that were solved with 60 digits by a program
//! that shares nothing with them, in `f64` and in `f32`.

use std::path::Path;

use conformance::{Kind, Way};

#[test]
fn the_known_problems_are_solved() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/vectors.json");
    if !path.exists() {
        eprintln!("no {}: skipped the conformance vectors", path.display());
        return;
    }
    let problems = conformance::read(&path).expect("the file is well-formed");
    for way in Way::ALL {
        let survey = conformance::survey(&problems, way);
        eprintln!("{way:?}:\n{survey}");
        for kind in Kind::ALL {
            let count = survey.count(Some(kind));
            assert_eq!(count.passed, count.problems, "{kind:?}, {way:?}");
        }
        assert_eq!(survey.count(None).problems, 0);
        // A tolerance that nothing comes near would let a kernel get worse unnoticed.
        assert_eq!(survey.too_loose(), Vec::<String>::new(), "{way:?}");
    }
}
