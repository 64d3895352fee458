//! How a row of data becomes the network's input: what [`encoding`](crate::encoding) says of what goes in.

use chainrule_engine::Shape;
use serde::{Deserialize, Serialize};

use crate::closest::closest;
use crate::columns::{Values, as_rows};
use crate::dataset::{Cells, Dataset};
use crate::feature::{self, Feature};
use crate::input_error::{InputError, excerpt, listing};
use crate::input_shape::written;
use crate::readers::csv::{Kind, Known, numbered};
use crate::standardise::Standardise;

/// One row of input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputEncoding {
    /// How many numbers a row is for the network.
    pub width: usize,
    /// The numbers' names; empty for pictures and for tables, whose columns have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Channels, height and width, if a row is an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<[usize; 3]>,
    /// What a byte is worth, if the cells are bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte: Option<f32>,
    /// The network begins with an embedding: cells are whole numbers below this, and stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers_below: Option<usize>,
    /// How other numbers are standardised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standardise: Option<Standardise>,
    /// What each column of a table becomes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
}

impl InputEncoding {
    /// The shape of a row, as the network takes it.
    ///
    /// # Errors
    /// If there is no such row, as in a record that was changed.
    pub fn shape(&self) -> Result<Shape, InputError> {
        let axes = self.image.as_ref().map_or(std::slice::from_ref(&self.width), |image| image);
        Shape::new(axes).filter(|shape| shape.len() == self.width).ok_or_else(|| {
            let hint = "give the data that belong to it, or train anew";
            InputError::new("input", format!("rows of {} numbers, from 1", self.width), format!("{axes:?}"), hint)
        })
    }

    /// Takes rows as `shape`, as was asked for.
    ///
    /// # Errors
    /// If that has another number of cells than the rows of `source`.
    pub(crate) fn lay_out(&mut self, shape: Shape, source: &str) -> Result<(), InputError> {
        if shape.len() != self.width {
            let (asked, width) = (written(shape), self.width);
            let expected = format!("rows of {} cells, as asked for by --input {asked}", shape.len());
            let hint = format!("give an --input of {width} numbers");
            return Err(InputError::new(source, expected, format!("rows of {width}"), hint));
        }
        self.image = shape.axes().try_into().ok();
        Ok(())
    }

    /// The columns that a table to predict from must have, and their types.
    pub fn known(&self) -> Vec<Known> {
        let number = |name: String| Known { name, kind: Kind::Number };
        if !self.features.is_empty() {
            return self.features.iter().map(|f| Known { name: f.name().to_owned(), kind: f.kind() }).collect();
        }
        if !self.columns.is_empty() {
            return self.columns.iter().cloned().map(number).collect();
        }
        // A table of pictures has a column a pixel.
        (0..self.width).map(|pixel| number(pixel.to_string())).collect()
    }

    /// What the numbers of the network's input are called; empty for pictures.
    pub fn names(&self) -> Vec<String> {
        if self.features.is_empty() {
            self.columns.clone()
        } else {
            self.features.iter().flat_map(Feature::names).collect()
        }
    }

    /// Takes cells as whole numbers below `most`, for an embedding.
    pub(crate) fn take_numbers_below(&mut self, most: usize) {
        (self.numbers_below, self.standardise, self.byte) = (Some(most), None, None);
        // A table's columns as they are, too.
        let used = std::mem::take(&mut self.features).into_iter().filter(|feature| feature.kind() != Kind::Ignored);
        let names: Vec<String> = used.map(|feature| feature.name().to_owned()).collect();
        if !names.is_empty() {
            (self.width, self.columns) = (names.len(), names);
        }
    }

    pub(crate) fn apply(&self, data: &mut Dataset) -> Result<(), InputError> {
        if !self.features.is_empty() {
            return self.encode(data);
        }
        self.lay_flat(data)?;
        self.arrange(data)?;
        if data.width() != self.width || data.width() == 0 {
            return Err(InputError::new(
                data.source.clone(),
                format!("rows of {} cells, as in training", self.width),
                format!("rows of {}", data.width()),
                "give data of the kind that the network was trained on",
            ));
        }
        if let Some(most) = self.numbers_below {
            return whole_numbers(data, most);
        }
        match (&self.standardise, self.byte) {
            (Some(standardise), _) => standardise.apply(data),
            (None, Some(byte)) => {
                // A table of pixels: the same bytes, written as numbers.
                if let Cells::F32(cells) = &mut data.cells {
                    cells.iter_mut().for_each(|cell| *cell *= byte);
                }
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }
}

impl InputEncoding {
    /// Makes rows of a table's columns for a network that was trained on rows of numbers.
    fn lay_flat(&self, data: &mut Dataset) -> Result<(), InputError> {
        let Cells::Table(columns) = &mut data.cells else { return Ok(()) };
        let mut names = std::mem::take(&mut data.columns);
        // Others than those of training may be of words.
        if !self.columns.is_empty() && self.columns.iter().all(|name| names.contains(name)) {
            let mut kept = names.iter().map(|name| self.columns.contains(name));
            columns.retain(|_| kept.next().unwrap_or_default());
            names.retain(|name| self.columns.contains(name));
        }
        let cells = as_rows(columns).map_err(|at| {
            InputError::new(
                format!("{}, column {}", data.source, excerpt(names.get(at).map_or("", String::as_str))),
                "numbers without empty cells, as in training",
                match &columns[at] {
                    Values::Numbers(_) => "empty cells",
                    other => other.kind(),
                },
                "give data of the kind that the network was trained on",
            )
        })?;
        (data.cells, data.shape, data.columns) = (Cells::F32(cells), vec![names.len()], names);
        Ok(())
    }

    /// Makes rows of a table's columns.
    fn encode(&self, data: &mut Dataset) -> Result<(), InputError> {
        let given = match &data.cells {
            Cells::Table(columns) => columns.iter().collect::<Vec<_>>(),
            _ => {
                return Err(InputError::new(
                    data.source.clone(),
                    "a table, as in training",
                    "rows of numbers",
                    "give data of the kind that the network was trained on",
                ));
            }
        };
        let trained: Vec<String> = self.features.iter().map(|feature| feature.name().to_owned()).collect();
        let used = |feature: &&Feature| feature.kind() != Kind::Ignored;
        let by_order = data.columns.len() == trained.len() && (numbered(&data.columns) || numbered(&trained));
        let mut columns = Vec::with_capacity(given.len());
        for (at, feature) in self.features.iter().enumerate().filter(|(_, feature)| used(feature)) {
            let place = data.columns.iter().position(|name| name == feature.name()).or(by_order.then_some(at));
            let place = place.ok_or_else(|| missing_column(data, feature.name()))?;
            columns.push(given[place]);
        }
        let features: Vec<Feature> = self.features.iter().filter(used).cloned().collect();
        let cells = feature::encode(&features, &columns, &data.source)?;
        (data.cells, data.shape, data.columns) = (Cells::F32(cells), vec![self.width], self.names());
        Ok(())
    }

    /// Finds the columns of training by name, wherever they are and whatever else there is. A
    /// table without names has them in their order.
    fn arrange(&self, data: &mut Dataset) -> Result<(), InputError> {
        if data.columns == self.columns || data.columns.is_empty() || self.columns.is_empty() {
            return Ok(());
        }
        if data.width() == self.width && (numbered(&data.columns) || numbered(&self.columns)) {
            data.columns.clone_from(&self.columns);
            return Ok(());
        }
        let place = |name: &String| {
            data.columns.iter().position(|given| given == name).ok_or_else(|| missing_column(data, name))
        };
        let places: Vec<usize> = self.columns.iter().map(place).collect::<Result<_, _>>()?;
        if let Cells::F32(cells) = &mut data.cells {
            let rows = cells.chunks_exact(data.columns.len());
            *cells = rows.flat_map(|row| places.iter().map(|&at| row[at])).collect();
            data.shape = vec![self.width];
            data.columns.clone_from(&self.columns);
        }
        Ok(())
    }
}

/// Expects each cell to be a row of an embedding's table.
fn whole_numbers(data: &mut Dataset, most: usize) -> Result<(), InputError> {
    let wrong = |at: usize, found: String| {
        let (row, column) = (at / data.width() + 1, at % data.width());
        let name = data.columns.get(column).map_or(column.to_string(), |name| excerpt(name));
        let place = format!("{}, row {row}, column {name}", data.source);
        let expected = format!("a whole number from 0 to {}, as the network begins with an embedding", most - 1);
        InputError::new(place, expected, found, "change the embedding's size, or number the column from 0")
    };
    match &data.cells {
        Cells::F32(cells) => {
            let whole = |cell: &f32| cell.fract() == 0.0 && *cell >= 0.0 && *cell < most as f32;
            if let Some(at) = cells.iter().position(|cell| !whole(cell)) {
                return Err(wrong(at, cells[at].to_string()));
            }
        }
        Cells::Table(_) => unreachable!("its columns were laid flat"),
        Cells::U8 { cells, .. } => {
            if let Some(at) = cells.iter().position(|&cell| usize::from(cell) >= most) {
                return Err(wrong(at, cells[at].to_string()));
            }
        }
    }
    if let Cells::U8 { scale, .. } = &mut data.cells {
        *scale = 1.0;
    }
    Ok(())
}

fn missing_column(data: &Dataset, name: &str) -> InputError {
    let near = closest(name, data.columns.iter().map(String::as_str));
    InputError::new(
        format!("{}, header", data.source),
        format!("a column {}, as in training", excerpt(name)),
        format!("columns {}", listing(&data.columns)),
        match near {
            Some(near) => format!("rename {}, if that is it", excerpt(near)),
            None => "give the table the columns that the network was trained on".to_owned(),
        },
    )
}
