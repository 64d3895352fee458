//! Tables, whole and broken in every way.

use super::*;
use crate::{
    columns::{EMPTY, as_rows},
    dataset::Target,
    readers::gzip::tests::pack,
};
use tempfile::NamedTempFile;

fn write(bytes: impl AsRef<[u8]>) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn target(name: &str) -> CsvOptions {
    CsvOptions { target: Some(name.into()), ..Default::default() }
}

fn table(bytes: impl AsRef<[u8]>, name: &str) -> Dataset {
    read(write(bytes).path(), &target(name)).unwrap()
}

/// The complaint about these bytes, the file called F.
fn complaint(bytes: impl AsRef<[u8]>, options: &CsvOptions) -> String {
    let file = write(bytes);
    let error = read(file.path(), options).unwrap_err().to_string();
    error.replace(&file.path().display().to_string(), "F")
}

fn columns(data: &Dataset) -> &[Values] {
    match &data.cells {
        Cells::Table(columns) => columns,
        _ => panic!("a table has columns"),
    }
}

/// Row by row.
fn numbers(data: &Dataset) -> Vec<f32> {
    as_rows(columns(data)).unwrap()
}

fn words(codes: &[u32], names: &[&str]) -> Values {
    Values::Categories { codes: codes.to_vec(), names: names.iter().map(|&name| name.into()).collect() }
}

fn classes(labels: &[u32], names: &[&str]) -> Target {
    Target::Classes { labels: labels.to_vec(), names: names.iter().map(|&name| name.into()).collect() }
}

#[test]
fn a_table_in_every_dress_is_the_same() {
    let plain = "a,kind,b\n1,x,2.5\n-3,y,4e1\n";
    let data = table(plain, "kind");
    assert_eq!(numbers(&data), [1.0, 2.5, -3.0, 40.0]);
    assert_eq!((data.columns.join(" "), data.rows()), ("a b".into(), 2));
    assert_eq!(data.target, classes(&[0, 1], &["x", "y"]));
    let windows = "\u{feff}\"a\",kind,\" b \"\r\n1,\"x\", 2.5\r\n\r\n\"-3\",y,40";
    for dress in [windows.into(), pack(plain.as_bytes()), plain.replace('\n', "\r").into()] {
        assert_eq!(Dataset { source: data.source.clone(), ..table(dress, "kind") }, data);
    }
}

#[test]
fn without_a_header_columns_are_numbered() {
    let data = table("5.1,3.5,setosa\n4.9,3.0,virginica\n", "2");
    assert_eq!((data.rows(), data.columns.join(" ")), (2, "0 1".into()));
    let data = table("1,0,7\n2,1,8\n", "1");
    assert_eq!(data.columns, ["0", "2"]);
    assert_eq!(data.target, classes(&[0, 1], &["0", "1"]));
}

#[test]
fn a_header_is_told_from_a_row() {
    // A word over a number; the target's name over a word; iris with its counts.
    assert_eq!(table("a,b\n1,2\n", "b").rows(), 1);
    assert_eq!(table("150,4,setosa\n5.1,3.5,0\n", "setosa").columns, ["150", "4"]);
    assert_eq!(table("1,kind\n2,x\n3,y\n", "kind").rows(), 2);
    // A gap is no name, and a pandas index has none.
    let gap = table("NA,0\n1,1\n", "1");
    assert!(matches!(&columns(&gap)[0], Values::Numbers(cells) if cells[0].is_nan() && cells[1] == 1.0));
    assert_eq!(table(",a,b\n0,5,1\n", "b").columns, ["0", "a"]);
    // Years as names need to be said.
    let years = CsvOptions { header: Some(true), ..target("2002") };
    let file = write("2001,2002\n5,0\n6,1\n");
    assert_eq!(read(file.path(), &years).unwrap().columns, ["2001"]);
}

#[test]
fn the_kind_of_target_follows_its_cells() {
    let column = |cells: &[String]| {
        let rows: String = cells.iter().map(|cell| format!("1,{cell}\n")).collect();
        format!("x,y\n{rows}")
    };
    let whole = |n: i32| column(&(0..n).map(|i| i.to_string()).collect::<Vec<_>>());
    assert!(matches!(table(whole(20), "y").target, Target::Classes { .. }));
    assert!(matches!(table(whole(21), "y").target, Target::Numbers { .. }));
    let halves = table("x,y\n1,0.5\n1,1\n", "y").target;
    let name = "y".into();
    assert_eq!(halves, Target::Numbers { values: vec![0.5, 1.0], name });

    // A word among many numbers is a mistake; words that hardly repeat are no classes.
    let mut cells: Vec<String> = (0..30).map(|i| i.to_string()).collect();
    cells.insert(5, "n.a.".into());
    assert_eq!(
        complaint(column(&cells), &target("y")),
        "F, line 7, column 'y': expected a finite number, as the target is of numbers, \
         found 'n.a.'\n  hint: correct the cell, or remove the row"
    );
    let keys: Vec<String> = (0..30).map(|i| format!("key{i}")).collect();
    assert!(complaint(column(&keys), &target("y")).contains("found 30 different words in 30 rows"));
    assert!(matches!(table(column(&[&keys[..], &keys[..]].concat()), "y").target, Target::Classes { .. }));
    assert!(complaint("x,y\n1,0\n1,NaN\n", &target("y")).contains("line 3, column 'y'"));
}

#[test]
fn the_kind_may_be_asked_for() {
    let ask = |kind| CsvOptions { kind: Some(kind), ..target("y") };
    let file = write("x,y\n1,0\n2,1.0\n3,1\n4,-0\n");
    let values = vec![0.0, 1.0, 1.0, 0.0];
    let name = "y".into();
    let data = read(file.path(), &ask(TargetKind::Numbers)).unwrap();
    assert_eq!(data.target, Target::Numbers { values, name });
    let data = read(file.path(), &ask(TargetKind::Classes)).unwrap();
    assert_eq!(data.target, classes(&[0, 1, 1, 0], &["0", "1"]));
    let wrong = complaint("x,y\n1,a\n", &ask(TargetKind::Numbers));
    assert!(wrong.contains("line 2, column 'y'") && wrong.contains("found 'a'"));
}

#[test]
fn classes_are_in_order() {
    let data = table("x,y\n1,10\n1,9\n1,-1\n1,10\n", "y");
    assert_eq!(data.target, classes(&[2, 1, 0, 2], &["-1", "9", "10"]));
    let data = table("x,y\n1,b\n1,10\n1,9\n", "y");
    assert_eq!(data.target, classes(&[2, 0, 1], &["10", "9", "b"]));
}

#[test]
fn a_target_that_is_not_there() {
    let rows = "age,income\n1,2\n";
    assert_eq!(
        complaint(rows, &target("incmoe")),
        "F, target: expected one of 'age', 'income', found 'incmoe'\n  hint: did you mean 'income'?"
    );
    assert_eq!(
        complaint(rows, &CsvOptions::default()),
        "F: expected a target column, found none given\n  \
         hint: --target COLUMN says which column to learn: one of 'age', 'income'"
    );
    let numbered = complaint("1,2\n3,4\n", &target("2"));
    assert!(numbered.contains("expected a column number from 0 to 1, as there is no header, found '2'"));
}

#[test]
fn columns_are_typed_by_all_their_cells() {
    let data = table("n,c,gap,code,y\n1,x,,7,0\n,y,2.5,A7,1\n-0,NA,?,7.0,0\n", "y");
    let gaps = |at: usize| match &columns(&data)[at] {
        Values::Numbers(cells) => cells.iter().map(|x| (!x.is_nan()).then_some(*x)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!((gaps(0), gaps(2)), (vec![Some(1.0), None, Some(-0.0)], vec![None, Some(2.5), None]));
    assert_eq!(columns(&data)[1], words(&[0, 1, EMPTY], &["x", "y"]));
    // Among words a number is its shortest spelling, before and after the first word.
    assert_eq!(columns(&data)[3], words(&[0, 1, 0], &["7", "A7"]));

    let keys: String = (0..30).map(|i| format!("key{i},,{}\n", i % 2)).collect();
    let data = table(format!("key,none,y\n{keys}"), "y");
    let reason = |at: usize| match &columns(&data)[at] {
        Values::Ignored { rows: 30, reason } => *reason,
        other => panic!("{other:?}"),
    };
    assert_eq!((reason(0), reason(1)), (Reason::Words { different: 30, cells: 30 }, Reason::Empty));
}

#[test]
fn types_may_be_asked_for() {
    let text = "zip,id,w,y\n1,5,1,0\n2,6,0.5,1\n1.0,7,2,1\n";
    let file = write(text);
    let options = CsvOptions {
        category: vec!["zip".into()],
        ignore: vec!["id".into()],
        weights: Some("w".into()),
        ..target("y")
    };
    let data = read(file.path(), &options).unwrap();
    assert_eq!(columns(&data)[0], words(&[0, 1, 0], &["1", "2"]));
    assert!(matches!(&columns(&data)[1], Values::Ignored { reason: Reason::Asked, .. }));
    assert!(matches!(&columns(&data)[2], Values::Ignored { reason: Reason::Weights, .. }));
    assert_eq!(data.weights, Some(vec![1.0, 0.5, 2.0]));
    let wrong = |options: CsvOptions| complaint(text, &CsvOptions { target: Some("y".into()), ..options });
    let asked = wrong(CsvOptions { ignore: vec!["idd".into()], ..Default::default() });
    assert_eq!(asked, "F, ignore: expected one of 'zip', 'id', 'w', 'y', found 'idd'\n  hint: did you mean 'id'?");
    assert!(wrong(CsvOptions { category: vec!["y".into()], ..Default::default() }).contains("other than the target"));
    let weights = CsvOptions { weights: Some("w".into()), ..target("y") };
    assert!(complaint("w,a,y\n1,1,0\n,2,1\n", &weights).contains("line 3, column 'w': expected a weight"));
}

#[test]
fn other_delimiters() {
    let data = table("a;y\n1;0\n2;1\n", "y");
    assert_eq!((data.columns.join(" "), numbers(&data)), ("a".into(), vec![1.0, 2.0]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.TSV.gz");
    std::fs::write(&path, pack(b"a,b\ty\n1\t0\n2\t1\n")).unwrap();
    assert_eq!(read(&path, &target("y")).unwrap().columns, ["a,b"]);
    let file = write("a!y,z\n1!0\n");
    let options = CsvOptions { delimiter: Some(b'!'), ..target("y,z") };
    assert_eq!(read(file.path(), &options).unwrap().columns, ["a"]);
}

#[test]
fn a_cell_that_is_no_number() {
    let ask = |bytes: &[u8]| complaint(bytes, &target("y"));
    let many: String = (0..40).map(|i| format!("{i},{}\n", i % 2)).collect();
    assert_eq!(
        ask(format!("age,y\n3,0\nold,1\n{many}").as_bytes()),
        "F, line 3, column 'age': expected a number, as 41 other cells of the column are, found 'old'\n  \
         hint: correct the cell, leave it empty, or take the column's numbers for names: --category age"
    );
    assert!(ask(b"age,y\n3,0\n3, \n").contains("column 'y': expected a class or a number, found an empty"));
    for infinite in ["inf", "-Infinity", "nan", "1e999"] {
        let wrong = ask(format!("age,y\n3,0\n{infinite},1\n").as_bytes());
        assert!(
            wrong.contains(&format!("line 3, column 'age': expected a finite number, found '{infinite}'")),
            "{wrong}"
        );
    }
    assert!(ask(b"age,y\n3,0\n1e39,1\n").contains("expected a number up to 3.4e38 in size, found '1e39'"));
    let wrong = ask(b"age,y\n3,0\n4\xff,1\n");
    assert!(wrong.contains("line 3, column 'age': expected UTF-8 text, found byte 0xff at byte 11"), "{wrong}");
    let wrong = ask(b"\xef\xbb\xbfage,y\n\"3\",0\n\"\"\"4\xff\",1\n");
    assert!(wrong.contains("found byte 0xff at byte 19"), "{wrong}");
    assert!(ask(b"a\xffe,y\n3,0\n").contains("line 1, column '0': expected UTF-8 text"));
    let wrong = ask(b"age,y\n3,0\n3,0\n4\x00,1\n");
    assert!(wrong.contains("line 4, column 'age': expected text, found a NUL byte"), "{wrong}");
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let ask = |text: &str| complaint(text, &target("y"));
    for (text, line) in [
        ("a,y\r\n1,0\r\ninf,1\r\n", 3),
        ("\r\n\r\na,y\r\n1,0\r\n\r\n\r\ninf,1\r\n", 7),
        ("a,y\n1,\"two\nlines\"\n\ninf,1", 5),
        ("\u{feff}a,y\n1,0\ninf,1", 3),
    ] {
        assert!(ask(text).contains(&format!("line {line}, column 'a'")), "{text:?}");
    }
    let file = pack(b"a,y\r\n1,0\r\ninf,1\r\n");
    assert!(complaint(file, &target("y")).contains("line 3, column 'a'"));
}

#[test]
fn uneven_rows() {
    let ask = |text: &str| complaint(text, &target("y"));
    assert_eq!(
        ask("a,b,y\n1,2,3\n\n4,5\n"),
        "F, line 4: expected 3 cells, as in the first row, found 2\n  \
         hint: look for a missing comma, one too many, or a quote that is not closed"
    );
    assert!(ask("a,b,y\n1,2,3,4\n").contains("line 2: expected 3 cells, as in the first row, found 4"));
    let open = ask("a,b,y\n1,\"2,3\n4,5,6\n");
    assert!(open.contains("F, line 2: expected a quote that is closed, found the end of the file within it"), "{open}");
    assert!(ask("a,y\n1,2\n3,\"4\n").contains("line 3: expected a quote that is closed"));
    assert!(ask("a,b,y\n1,\"2,3\n4\",5,6,7\n").contains("line 2: expected 3 cells, as in the first row, found 5"));
}

#[test]
fn nothing_to_learn_from() {
    let ask = |bytes: &[u8]| complaint(bytes, &target("y"));
    assert!(ask(b"").contains("expected a table, found an empty file"));
    assert!(ask(b"\n\n").contains("found an empty file"));
    assert!(ask(b"a,y\n").contains("expected rows below the header, found only a header"));
    assert!(ask(b"\x89PNG\r\n\0\0").contains("found binary data"));
    assert!(ask(b"y\n1\n").contains("expected at least two columns"));
    assert!(ask(b"a!y\n1!2\n").contains("cells are told apart by ','; --delimiter says what else"));
    assert!(ask(b"a,a,y\n1,2,3\n").contains("found 'a' in columns 0 and 1"));
    let packed = pack(b"a,y\n1,2\n");
    assert!(ask(&packed[..packed.len() - 4]).contains("found its end is missing"));
    let error = read("no-such.csv".as_ref(), &target("y")).unwrap_err();
    assert_eq!((error.place.as_str(), error.found.as_str()), ("no-such.csv", "nothing of that name"));
}

/// Columns of numbers.
fn known(columns: &[&str]) -> Vec<Known> {
    columns.iter().map(|&name| Known { name: name.into(), kind: Kind::Number }).collect()
}

/// What is read to predict from these bytes.
fn features(bytes: &str, columns: &[&str], target: Option<&str>) -> Result<Vec<f32>, InputError> {
    let file = write(bytes);
    let known = known(columns);
    let data = read_features(file.path(), &known, target)?;
    assert_eq!((data.columns.len(), data.target.clone()), (columns.len(), Target::None));
    Ok(numbers(&data))
}

#[test]
fn columns_are_found_again() {
    let ask = |text| features(text, &["a", "b"], Some("y")).unwrap();
    assert_eq!(ask("a,b\n1,2\n"), [1.0, 2.0]);
    assert_eq!(ask("b,words,y,a\n2,hm,,1\n4,hm,,3\n"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(ask("1,2\n"), [1.0, 2.0]);
    assert_eq!(ask("1,2,what\n"), [1.0, 2.0]);
    // Numbered in training, the target first.
    let ask = |text| features(text, &["1", "2"], Some("0")).unwrap();
    assert_eq!(ask("9,1,2\n"), [1.0, 2.0]);
    assert_eq!(ask("1,2\n"), [1.0, 2.0]);
    assert_eq!(ask("a,b\n1,2\n"), [1.0, 2.0]);
    assert_eq!(features("0\n1\n", &["0"], None).unwrap(), [0.0, 1.0]);
    assert_eq!(features("2002,2001\n1,2\n", &["2001", "2002"], None).unwrap(), [2.0, 1.0]);
}

#[test]
fn columns_that_are_missing() {
    let ask = |text, target| features(text, &["age", "size"], target).unwrap_err();
    let error = ask("size,agee,y\n1,2,3\n", Some("y"));
    assert_eq!(error.expected, "a column 'age', as in training");
    assert_eq!(error.found, "columns 'size', 'agee', 'y'");
    assert_eq!(error.hint, "rename 'agee', if that is it");
    let error = ask("1,2,3,4\n", Some("y"));
    assert_eq!(error.expected, "2 columns, as in training, or 3 with 'y'");
    assert_eq!((ask("1,2,3\n", None).expected.as_str(), error.found.as_str()), ("2 columns, as in training", "4"));
    assert_eq!(ask("age,size\n", None).found, "only a header");
    assert_eq!(ask("", None).found, "an empty file");
    let error = ask("age,size\n1,big\n", None);
    assert!(error.place.ends_with("line 2, column 'size'"));
    assert_eq!((&*error.expected, &*error.found), ("a number, as in training", "'big'"));
}

#[test]
fn a_table_of_many_blocks_is_the_table_of_its_rows() {
    // Types, names and their order are found out over all blocks: a column of numbers has its first word in a late one.
    let rows = 150_000;
    let mut text = "n,late,word,y\n".to_owned();
    for row in 0..rows {
        let late = if row % 7 == 3 { String::new() } else { (row * 31 % 15).to_string() };
        let late = if row >= rows - 30_000 { format!("\"w\n{}\"", row % 3) } else { late };
        text += &format!("{}.5,{late},c{},{}\n", row * 7919 % 1000, row * 13 % 57, row % 2);
    }
    assert!(text.len() > 2 << 20);
    let data = read(write(&text).path(), &target("y")).unwrap();
    let [n, late, word] = columns(&data) else { panic!("three columns") };
    let numbers: Vec<f64> = (0..rows).map(|row| f64::from(row * 7919 % 1000) + 0.5).collect();
    assert_eq!(*n, Values::Numbers(numbers));
    let (mut names, mut codes): (Vec<String>, Vec<u32>) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let name = if row >= rows - 30_000 { format!("w\n{}", row % 3) } else { (row * 31 % 15).to_string() };
        if row < rows - 30_000 && row % 7 == 3 {
            codes.push(EMPTY);
            continue;
        }
        let code = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        codes.push(code as u32);
    }
    assert_eq!(*late, Values::Categories { codes, names });
    assert!(matches!(word, Values::Categories { codes, names } if codes.len() == rows as usize && names.len() == 57));
    assert!(matches!(&data.target, Target::Classes { labels, .. } if labels.len() == rows as usize));
}

#[test]
fn the_first_error_of_many_blocks_is_told_with_its_line() {
    let mut text = "a,b\n".to_owned() + &"1.25,2\n".repeat(400_000);
    text += "1\n";
    text += &"1.25,2\n".repeat(400_000);
    text += "1,2,3\n";
    let error = read(write(&text).path(), &target("b")).unwrap_err();
    assert!(error.place.ends_with("line 400002"), "{}", error.place);
}

#[test]
fn types_are_those_of_training() {
    let file = write("id,b,a\nx,2,1\nz,3,1.0\n");
    let of = |name: &str, kind| Known { name: name.into(), kind };
    let known = [of("a", Kind::Category), of("b", Kind::Number), of("id", Kind::Ignored)];
    let data = read_features(file.path(), &known, Some("y")).unwrap();
    assert_eq!(data.columns, ["a", "b"]);
    assert_eq!(columns(&data), [words(&[0, 0], &["1"]), Values::Numbers(vec![2.0, 3.0])]);
    // A column that training passed over need not be there.
    let file = write("b,a\n2,x\n");
    assert!(read_features(file.path(), &known, None).is_ok());
}

#[test]
fn dates_are_dates_whatever_their_form() {
    let data = table("day,y\n1970-01-02,a\n,b\n3 Jan 1970 06:00,a\n1970/1/1,b\n", "y");
    let Values::Dates(cells) = &columns(&data)[0] else { panic!("{data:?}") };
    assert!(cells[1].is_nan());
    assert_eq!([cells[0], cells[2], cells[3]], [86_400.0, 194_400.0, 0.0]);
    // Gaps before the first one, numbers or words beside them, and what was asked for.
    let first = |text: &str, options: &CsvOptions| columns(&read(write(text).path(), options).unwrap())[0].clone();
    let y = target("y");
    assert!(matches!(first("day,y\n,a\nNA,b\n2024-05-01,a\n", &y), Values::Dates(cells) if cells[1].is_nan()));
    let mixed = first("day,y\n2024-05-01,a\n5.0,b\n2024-05-01T00:00,a\nx,a\n", &y);
    assert_eq!(mixed, words(&[0, 1, 0, 2], &["2024-05-01", "5", "x"]));
    assert_eq!(first("day,y\n5.0,a\n2024/5/1,b\n", &y), words(&[0, 1], &["5", "2024-05-01"]));
    let asked = CsvOptions { category: vec!["day".into()], ..target("y") };
    assert_eq!(
        first("day,y\n2024-05-01,a\n2024-05-01 10:00,b\n", &asked),
        words(&[0, 1], &["2024-05-01", "2024-05-01T10:00:00"])
    );
    let known = vec![Known { name: "day".into(), kind: Kind::Date }];
    assert!(matches!(first("day,y\n,a\n", &CsvOptions { known, ..target("y") }), Values::Dates(_)));
    // A date is a word over which a header stands.
    let headed = read_table(write("when,what\n2024-05-01,a\n2024-05-02,b\n").path(), &CsvOptions::default(), false);
    assert_eq!(headed.unwrap().columns, ["when", "what"]);
    // Dates as classes.
    assert_eq!(
        table("x,day\n1,2024-05-01\n2,2024-04-01\n", "day").target,
        classes(&[1, 0], &["2024-04-01", "2024-05-01"])
    );
}

#[test]
fn a_cell_that_is_no_date_is_placed() {
    let rows = |other: &str| {
        (0..30)
            .map(|i| if i == 20 { format!("{other},a\n") } else { format!("2024-05-{:02},b\n", i + 1) })
            .collect::<String>()
    };
    for other in ["soon", "5", "inf", "2024-05-40"] {
        let told = complaint(format!("day,y\n{}", rows(other)), &target("y"));
        let found = format!(
            "F, line 22, column 'day': expected a date such as 2024-01-31, as 29 other cells of the column are, found '{other}'"
        );
        assert!(told.starts_with(&found) && told.contains("--category day"), "{told}");
    }
    let numbers: String =
        (0..30).map(|i| if i == 3 { "2024-05-01,a\n".to_owned() } else { format!("{i},b\n") }).collect();
    let told = complaint(format!("n,y\n{numbers}"), &target("y"));
    assert!(
        told.starts_with(
            "F, line 5, column 'n': expected a number, as 29 other cells of the column are, found '2024-05-01'"
        ),
        "{told}"
    );
    let known = vec![Known { name: "day".into(), kind: Kind::Date }];
    let told = complaint("day,y\n2024-05-01,a\n7,b\n", &CsvOptions { known, ..target("y") });
    assert!(
        told.starts_with("F, line 3, column 'day': expected a date such as 2024-01-31, as in training, found '7'"),
        "{told}"
    );
}

#[test]
fn blocks_of_dates_are_joined_as_if_they_were_one() {
    // Blocks are of a megabyte: the first are of dates alone, of gaps, or of numbers, before something else comes.
    let filler = "x".repeat(2000);
    for (first, then, is_date) in [
        ("2024-05-01", "2024-05-02 10:00", true),
        ("", "2024-05-01", true),
        ("2024-05-01", "w", false),
        ("7", "2024-05-01", false),
        ("2024-05-01", "7", false),
    ] {
        let rows = |cell: &str, count: usize| format!("{cell},{filler},a\n{cell},{filler},b\n").repeat(count);
        let text = format!("day,f,y\n{}{}", rows(first, 700), rows(then, 700));
        let data = table(&text, "y");
        match &columns(&data)[0] {
            Values::Dates(cells) => assert!(is_date && cells.len() == 2800),
            Values::Categories { codes, names } => {
                assert_eq!((names.join(" "), codes.len(), is_date), (format!("{first} {then}"), 2800, false));
            }
            other => panic!("{first} {then}: {other:?}"),
        }
    }
}
