"""Rust source with mutants as branches: `if on(17) { a - b } else { a + b }`.

The mutants are those of `cargo mutants --list --json`, each with an id; the places are
found in the syntax tree. Needs `pip install tree-sitter tree-sitter-rust`.
"""
import tree_sitter_rust
from tree_sitter import Language, Parser

# The module `mutant` that the branches ask. MUTANT=17 makes that one active. With
# MUTANTS_REACHED=FILE none is, and the file gets the id of each branch that is come by.
SWITCH = """
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
static ACTIVE: AtomicUsize = AtomicUsize::new(UNKNOWN);
static REACHED: [AtomicBool; 1 << 16] = [const { AtomicBool::new(false) }; 1 << 16];
const UNKNOWN: usize = usize::MAX;
const RECORD: usize = usize::MAX - 1;
#[inline(always)]
pub(crate) fn on(id: usize) -> bool {
    let active = ACTIVE.load(Ordering::Relaxed);
    active == id || active >= RECORD && first(id)
}
#[cold]
fn first(id: usize) -> bool {
    if ACTIVE.load(Ordering::Relaxed) == RECORD {
        record(id);
        return false;
    }
    if std::env::var_os("MUTANTS_REACHED").is_some() {
        ACTIVE.store(RECORD, Ordering::Relaxed);
        record(id);
        return false;
    }
    let active = std::env::var("MUTANT").ok().and_then(|id| id.parse().ok()).unwrap_or(0);
    ACTIVE.store(active, Ordering::Relaxed);
    active == id
}
fn record(id: usize) {
    use std::io::Write;
    if !REACHED[id].load(Ordering::Relaxed) && !REACHED[id].swap(true, Ordering::Relaxed) {
        let path = std::env::var_os("MUTANTS_REACHED").unwrap();
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.unwrap().write_all(std::format!("{id}\n").as_bytes()).unwrap();
    }
}
"""
parser = Parser(Language(tree_sitter_rust.language()))


def instrument(source, mutants):
    """The source with the mutants as branches, and the mutants that found no place."""
    text = source.decode()
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line.encode()) + 1)
    lines = text.split("\n")

    def byte(at):
        line = lines[at["line"] - 1]
        return starts[at["line"] - 1] + len(line[: at["column"] - 1].encode())

    by_place = {}
    for mutant in mutants:
        place = (byte(mutant["span"]["start"]), byte(mutant["span"]["end"]))
        by_place.setdefault(place, []).append(mutant)
    placed = set()

    def raw(node):
        return source[node.start_byte : node.end_byte].decode()

    def holds_let(node):
        return node.type in ("let_condition", "let_chain") or any(map(holds_let, node.children))

    def render(node, constant=False):
        constant = constant or node.type in ("const_item", "static_item", "array_type",
                                             "type_arguments", "attribute_item")
        here = []  # (mutant, text of the alternative)
        if not constant and node.type in ("binary_expression", "compound_assignment_expr"):
            operator = node.child_by_field_name("operator")
            left, right = (node.child_by_field_name(side) for side in ("left", "right"))
            if not holds_let(node) and operator is not None:
                for mutant in by_place.get((operator.start_byte, operator.end_byte), []):
                    alternative = f"{raw(left)} {mutant['replacement']} {raw(right)}"
                    here.append((mutant, alternative))
        if not constant and node.type == "unary_expression":
            sign = node.children[0]
            for mutant in by_place.get((sign.start_byte, sign.end_byte), []):
                if mutant["genre"] == "UnaryOperator":
                    here.append((mutant, source[sign.end_byte : node.end_byte].decode()))
        if node.type == "struct_expression":
            body = node.child_by_field_name("body")
            for field in body.children:
                for mutant in by_place.get((field.start_byte, field.end_byte), []):
                    end = field.end_byte + (source[field.end_byte : field.end_byte + 1] == b",")
                    without = source[node.start_byte : field.start_byte] + source[end : node.end_byte]
                    here.append((mutant, without.decode()))
        out, at = [], node.start_byte
        for child in node.children:
            out.append(source[at : child.start_byte].decode())
            # A function's value: before its first statement.
            if node.type == "block" and child.start_byte > node.start_byte:
                for place, group in by_place.items():
                    if place[0] == child.start_byte and "FnValue" in (m["genre"] for m in group):
                        for mutant in group:
                            if mutant["genre"] == "FnValue" and mutant["id"] not in placed:
                                placed.add(mutant["id"])
                                out.append(f"if crate::mutant::on({mutant['id']}) "
                                           f"{{ return {mutant['replacement']}; }}\n")
            out.append(render(child, constant))
            at = child.end_byte
        out.append(source[at : node.end_byte].decode())
        whole = "".join(out)
        if here:
            placed.update(mutant["id"] for mutant, _ in here)
            arms = "".join(f"if crate::mutant::on({mutant['id']}) {{ {alternative} }} else "
                           for mutant, alternative in here)
            whole = f"({arms}{{ {whole} }})"
        return whole

    root = parser.parse(source).root_node
    rendered = render(root)
    prefix = source[: root.start_byte].decode()
    return prefix + rendered, [m for m in mutants if m["id"] not in placed]
