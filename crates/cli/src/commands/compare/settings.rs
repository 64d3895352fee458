//! A run's settings by name, from its record: what was asked, and what it was trained on.

use chainrule::Record;

/// Rows for what, under names that say so.
const ROWS: [(&str, &str); 3] = [("train", "training rows"), ("validation", "validation rows"), ("test", "test rows")];

/// Names, as `train`'s flags are called where there is one, and values. What was left at its usual is not there.
pub(super) fn settings(record: &Record) -> anyhow::Result<Vec<(String, String)>> {
    let plain = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let training = toml::Table::try_from(&record.training)?;
    let data = toml::Table::try_from(&record.data)?;
    let program = [("program".to_owned(), record.version.clone()), ("model".to_owned(), record.model.clone())];
    let named = |name: &str| match ROWS.iter().find(|rows| rows.0 == name) {
        Some(rows) => rows.1.to_owned(),
        None if name == "path" => "data".to_owned(),
        None => name.to_owned(),
    };
    let training = training.iter().map(|(name, value)| (name.replace('_', "-"), plain(value)));
    let data = data.iter().map(|(name, value)| (named(name), plain(value)));
    Ok(program.into_iter().chain(training).chain(data).collect())
}
