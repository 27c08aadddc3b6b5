//! Commands as they are typed.

use crate::{
    cell::{CellState, Finished},
    options::quoted,
    summary::Setting,
};

/// What computes unless something else is asked for.
const DEFAULT_BACKEND: &str = "flex";

/// The command that runs a cell by itself, anywhere.
pub fn train(finished: &Finished) -> String {
    let cell = &finished.cell;
    let mut words = vec!["harness".to_owned(), "train".to_owned()];
    words.extend(["--dataset".to_owned(), cell.dataset.clone()]);
    words.extend(["--method".to_owned(), cell.method.clone()]);
    words.extend(["--seed".to_owned(), cell.seed.to_string()]);
    let setting = Setting::of(cell);
    words.extend(setting.lambda.map(|value| format!("--lambda={value}")));
    words.extend(setting.epsilon.map(|value| format!("--epsilon={value}")));
    words.extend(setting.ot_on.map(|place| format!("--ot-on={place}")));
    words.extend(cell.args.iter().cloned());
    if let CellState::Done(result) = &finished.state
        && result.backend != DEFAULT_BACKEND
    {
        words.push(format!("--backend={}", result.backend));
    }
    joined(&words)
}

/// Words as a shell reads them back.
pub fn joined(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn a_shell_reads_the_words_back() {
        let words = ["--a=1.5", "two words", "it's", "", "$(x)"].map(str::to_owned);
        assert_eq!(joined(&words), "--a=1.5 'two words' 'it'\\''s' '' '$(x)'");
    }
}
