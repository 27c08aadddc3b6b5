//! What errors say: the operation, what was expected, what was found, what to do.

use kernels_core::Error;

#[test]
fn errors_say_operation_expectation_and_finding() {
    let (operation, argument) = ("solve", "cost");
    let all = [
        (
            Error::Shape {
                operation,
                argument,
                expected: 6,
                got: 5,
            },
            vec!["`cost`", "6 elements", "got 5"],
        ),
        (
            Error::Workspace {
                operation,
                expected: 60,
                got: 7,
            },
            vec!["at least 60", "got 7", "_workspace_len"],
        ),
        (
            Error::Memory {
                operation,
                expected: 99,
            },
            vec!["99 elements", "smaller"],
        ),
        (
            Error::NeedsPoints {
                operation,
                purpose: "to be moved",
            },
            vec!["`problem.cost`", "Points", "to be moved", "got a matrix"],
        ),
        (
            Error::Size {
                operation,
                argument,
                expected: "at least 1",
                got: 0,
            },
            vec!["`cost`", "at least 1", "got 0"],
        ),
        (
            Error::Parameter {
                operation,
                argument,
                expected: "finite",
                got: f64::NAN,
            },
            vec!["`cost`", "finite", "got NaN"],
        ),
        (
            Error::Element {
                operation,
                argument,
                expected: "finite",
                index: 3,
                got: f64::INFINITY,
            },
            vec!["`cost[3]`", "finite", "got inf"],
        ),
        (
            Error::ZeroNorm {
                operation,
                argument,
                row: 4,
            },
            vec!["row 4 of `cost`", "direction", "norm"],
        ),
        (
            Error::ZeroVariance {
                operation,
                argument,
                column: 2,
            },
            vec!["column 2 of `cost`", "vary", "epsilon"],
        ),
        (
            Error::NotConverged {
                operation,
                iterations: 12,
                expected: 1e-6,
                got: 0.5,
            },
            vec!["12 iterations", "1e-6", "5e-1", "more iterations"],
        ),
        (
            Error::Infeasible {
                operation,
                side: "row",
                index: 8,
            },
            vec!["row 8", "permitted partner", "forbidden"],
        ),
        (
            Error::Overflow {
                operation,
                quantity: "the dual value",
                got: f64::INFINITY,
            },
            vec!["the dual value", "finite", "got inf", "f64"],
        ),
    ];
    for (error, parts) in all {
        let text = error.to_string();
        assert!(text.starts_with("solve: "), "{text}");
        for part in parts {
            assert!(text.contains(part), "`{part}` is missing: {text}");
        }
    }
}
