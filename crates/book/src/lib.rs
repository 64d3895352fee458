//! The book is Markdown in `book/`, English and Korean; this crate holds it to its word.
//!
//! - Its Rust runs as doctests, of the English pages alone: the Korean ones have the same blocks to the byte, which `tests/pages.rs` sees to.
//! - Its console blocks run in `crates/cli/tests/book.rs`, which reads them with [`blocks`].
//! - Its pictures come from the example `pictures`, and from the commands that the text names.

use std::path::{Path, PathBuf};

/// The languages, by the folders of their pages. The first one's code is run.
pub const LANGUAGES: [&str; 2] = ["en", "ko"];

/// The folder with a folder for each language.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book")
}

/// A fenced block of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// What stands behind the opening fence: `rust`, `console`, `text`, or `csv,file=flowers.csv`.
    pub info: &'a str,
    /// The line of the opening fence, from 1.
    pub line: usize,
    /// The lines within, each with its end.
    pub text: String,
}

impl Block<'_> {
    /// The language, such as `console`.
    pub fn language(&self) -> &str {
        self.info.split(',').next().unwrap_or_default()
    }

    /// The file that a reader saves the block as.
    pub fn file(&self) -> Option<&str> {
        self.info.split(',').find_map(|word| word.strip_prefix("file="))
    }
}

/// The fenced blocks of a page in their order.
///
/// ```
/// let page = "Two apples:\n\n```csv,file=apples.csv\ncount,price\n2,100\n```\n";
/// let blocks = chainrule_book::blocks(page);
/// assert_eq!((blocks[0].language(), blocks[0].file(), blocks[0].line), ("csv", Some("apples.csv"), 3));
/// assert_eq!(blocks[0].text, "count,price\n2,100\n");
/// ```
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (number, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => open = Some(Block { info, line: number + 1, text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// A page without its fenced blocks.
pub fn prose(page: &str) -> String {
    let mut within = false;
    let mut prose = String::new();
    for line in page.lines() {
        let fence = line.starts_with("```");
        if !fence && !within {
            prose.push_str(line);
            prose.push('\n');
        }
        within ^= fence;
    }
    prose
}

/// Each page's Rust, one module a page so that a failure names it. `tests/pages.rs` sees to it that none is missing.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($name:ident $file:literal)*) => {$(
            #[doc = include_str!(concat!("../../../book/en/", $file))]
            mod $name {}
        )*};
    }
    pages! {
        introduction "README.md"
        batches "01_batches.md"
        training_and_test_data "02_training_and_test_data.md"
        loss_functions "03_loss_functions.md"
        gradient "04_gradient.md"
        mini_batches "05_mini_batches.md"
        chain_rule "06_chain_rule.md"
        mul_and_add "07_mul_and_add.md"
        affine "08_affine.md"
        softmax_with_loss "09_softmax_with_loss.md"
        backpropagation "10_backpropagation.md"
        optimizers "11_optimizers.md"
        initial_weights "12_initial_weights.md"
        batch_norm "13_batch_norm.md"
        dropout_and_weight_decay "14_dropout_and_weight_decay.md"
        convolution "15_convolution.md"
        table "table.md"
        images "images.md"
        why_it_learned "why_it_learned.md"
        library "library.md"
        gpu_and_cluster "gpu_and_cluster.md"
    }
}
