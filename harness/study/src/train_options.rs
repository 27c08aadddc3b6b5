//! Options of `harness train` that a study hands on to its cells: those that a method does
//! not have are left out of its cells, and those that make a cell what it is are not taken.

use crate::error::StudyError;

/// Options of `harness train`, each followed by one value, that some methods alone have.
/// A test of the program holds this against what `harness train` accepts.
pub const OF_METHODS: [(&str, &[&str]); 20] = [
    ("--temperature", &["simclr", "sinsim", "swav"]),
    ("--lambda", &["sinsim"]),
    ("--epsilon", &["sinsim", "swav"]),
    ("--threshold", &["sinsim"]),
    ("--max-iterations", &["sinsim", "swav"]),
    ("--ot-cost", &["sinsim"]),
    ("--ot-scale", &["sinsim"]),
    ("--ot-on", &["sinsim"]),
    ("--ot-form", &["sinsim"]),
    ("--epsilon-unit", &["sinsim"]),
    ("--rho", &["sinsim"]),
    ("--ema-momentum", &["byol"]),
    ("--predictor-lr-factor", &["byol"]),
    ("--predictor-hidden", &["byol"]),
    ("--vicreg-invariance", &["vicreg"]),
    ("--vicreg-variance", &["vicreg"]),
    ("--vicreg-covariance", &["vicreg"]),
    ("--barlow-lambda", &["barlow-twins"]),
    ("--barlow-scale", &["barlow-twins"]),
    ("--prototypes", &["swav"]),
];

/// Options that a study sets itself, and what to give in their place.
const OWN: [(&str, &str); 9] = [
    ("--dataset", "give --datasets before the `--`"),
    ("--method", "give --methods before the `--`"),
    ("--seed", "give --seeds before the `--`"),
    ("--lambda", "give --lambda before the `--`"),
    ("--epsilon", "give --epsilon before the `--`"),
    ("--ot-on", "give --ot-on before the `--`"),
    ("--out", "give --out before the `--`"),
    ("--resume", "a study resumes by itself"),
    ("--config", "give the options one by one"),
];

/// Refuses options that would make cells other than they are called.
pub fn check(words: &[String]) -> Result<(), StudyError> {
    for word in words {
        let name = name(word);
        if let Some(&(option, advice)) = OWN.iter().find(|(own, _)| *own == name) {
            return Err(StudyError::OwnOption { option, advice });
        }
    }
    Ok(())
}

/// The words that concern a method.
pub fn of_method(words: &[String], method: &str) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let of = OF_METHODS.iter().find(|(option, _)| *option == name(word));
        match of {
            Some((_, methods)) if !methods.contains(&method) => {
                if !word.contains('=') {
                    words.next();
                }
            }
            _ => kept.push(word.clone()),
        }
    }
    kept
}

fn name(word: &str) -> &str {
    word.split_once('=').map_or(word, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_method_gets_what_it_has() {
        let given = words("--epochs 2 --ot-form divergence --temperature=0.5 --rho 1 --lr 0.1");
        let for_method = |method| of_method(&given, method).join(" ");
        assert_eq!(for_method("sinsim"), given.join(" "));
        assert_eq!(
            for_method("simclr"),
            "--epochs 2 --temperature=0.5 --lr 0.1"
        );
        assert_eq!(for_method("byol"), "--epochs 2 --lr 0.1");
        assert_eq!(of_method(&words("--rho"), "byol"), Vec::<String>::new());
    }

    #[test]
    fn what_makes_a_cell_is_refused() {
        assert!(check(&words("--epochs 2 --ot-form divergence")).is_ok());
        for (given, advice) in [
            ("--epochs 2 --lambda 3", "--lambda before"),
            ("--ot-on=h", "--ot-on before"),
            ("--resume", "resumes by itself"),
        ] {
            let error = check(&words(given)).unwrap_err().to_string();
            assert!(error.contains(advice), "{error}");
        }
    }
}
