//! The target column: classes or numbers, which only the whole column can tell.

use super::{
    FEW, TargetKind,
    column::{Column, Found, Kind, Words},
    table::Sheet,
};
use crate::{
    dataset::Target,
    input_error::{InputError, excerpt},
};

/// What the column of such a target is asked to be.
pub(super) fn kind(kind: Option<TargetKind>) -> Option<Kind> {
    kind.map(|kind| match kind {
        TargetKind::Classes => Kind::Category,
        TargetKind::Numbers => Kind::Number,
    })
}

/// The target, of the kind that is asked for or that the cells suggest.
pub(super) fn finish(
    column: Column,
    sheet: &Sheet,
    at: usize,
    asked: Option<TargetKind>,
) -> Result<Target, InputError> {
    if let Some(byte) = column.first_empty {
        let hint = "fill the cell, or remove the row";
        return Err(sheet.wrong(byte, at, "a class or a number", "an empty cell".to_owned(), hint));
    }
    let name = sheet.names()[at].clone();
    let numbers = |column: &Column| column.numbers().map(|cells| cells.iter().map(|&cell| cell as f32).collect());
    let wrong =
        |found: &Found, expected: &str, hint: &str| sheet.wrong(found.byte, at, expected, excerpt(&found.text), hint);
    let no_number = |column: &Column| {
        let first = column.first_no_number();
        let expected = "a finite number, as the target is of numbers";
        let hint = "correct the cell, or remove the row";
        first.map_or_else(
            || InputError::new(sheet.place(), expected, "other cells", hint),
            |at| wrong(at, expected, hint),
        )
    };
    match asked {
        Some(TargetKind::Classes) => return Ok(classes(column.into_words())),
        Some(TargetKind::Numbers) => {
            let values = numbers(&column).ok_or_else(|| no_number(&column))?;
            return Ok(Target::Numbers { values, name });
        }
        None => {}
    }
    if let Some(values) = column.numbers() {
        return Ok(of_numbers(values, &name, None));
    }
    // `nan` and `inf` are words that no one means as a class.
    if let Some(cell) = &column.first_not_finite {
        return Err(wrong(cell, "a class or a finite number", "correct the cell, or remove the row"));
    }
    let rows = column.rows();
    let no_numbers = no_number(&column);
    let words = column.into_words();
    let (distinct, values) = (words.names.len(), words.values.iter().flatten().count());
    if distinct > FEW && values * 2 > distinct {
        return Err(no_numbers);
    }
    if distinct == 0 || (distinct > FEW && distinct * 2 > rows) {
        return Err(InputError::new(
            format!("{}, column {}", sheet.place(), excerpt(&name)),
            "numbers, or classes that come again",
            if distinct == 0 {
                "too many different words".into()
            } else {
                format!("{distinct} different words in {rows} rows")
            },
            "choose another target; names and keys cannot be learned",
        ));
    }
    Ok(classes(words))
}

/// The target of finite numbers, of the kind that is asked for or that they suggest.
pub(in crate::readers) fn of_numbers(cells: &[f64], name: &str, asked: Option<TargetKind>) -> Target {
    let are_classes = asked.map_or_else(|| few_and_whole(cells), |kind| kind == TargetKind::Classes);
    if are_classes {
        let mut words = Words::default();
        words.codes = words.codes_of(cells);
        return classes(words);
    }
    Target::Numbers { values: cells.iter().map(|&cell| cell as f32).collect(), name: name.to_owned() }
}

/// Whether these are whole numbers of at most [`FEW`] kinds.
fn few_and_whole(values: &[f64]) -> bool {
    let mut kinds: Vec<f64> = Vec::with_capacity(FEW);
    values.iter().all(|&value| {
        let known = kinds.contains(&value);
        if !known && kinds.len() < FEW && value.fract() == 0.0 {
            kinds.push(value);
            return true;
        }
        known
    })
}

fn classes(words: Words) -> Target {
    let Words { codes, names, values, .. } = words;
    let mut order: Vec<usize> = (0..names.len()).collect();
    let numbers: Option<Vec<f64>> = values.into_iter().collect();
    match numbers {
        // By value, so that `10` comes after `9`.
        Some(values) => order.sort_by(|&a, &b| values[a].total_cmp(&values[b])),
        None => order.sort_by(|&a, &b| names[a].cmp(&names[b])),
    }
    let mut places = vec![0; names.len()];
    for (place, &code) in (0..).zip(&order) {
        places[code] = place;
    }
    let labels = codes.iter().map(|&code| places[code as usize]).collect();
    Target::Classes { labels, names: order.into_iter().map(|code| names[code].clone()).collect() }
}
